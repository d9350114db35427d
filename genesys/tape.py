"""The tape of a session: all that it was told from outside, so that nothing is asked twice.

A session that was killed goes on with what its tape holds and pays for no call again; a replay has
nothing but the tape. An answer is found by what was asked, and each is given once, so that asking
the same again gives what was answered the second time.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import Field, FiniteFloat, TypeAdapter

from genesys.errors import StoreError
from genesys.records import Record

T = TypeVar("T")

Count = Annotated[int, Field(ge=0)]


class CallEnd(StrEnum):
    """How a call ended; after a retried one the same was asked again."""

    ANSWERED = "answered"
    RETRIED = "retried"
    FAILED = "failed"
    TOO_LONG = "too_long"


class Message(Record):
    """One message of a conversation; ``author`` is ``system``, ``user`` or ``assistant``."""

    author: str
    text: str


class Call(Record):
    """One call of a language model.

    Attributes:
        session: Index of the session.
        role: Who asks: ``proposer``, ``reviewer``, ``planner``, ``coder`` or ``observer``.
        purpose: What for, e.g. ``search``, ``proposal`` or ``debug``.
        unit: The unit that is worked on, or empty.
        attempt: Which attempt at it, from 1; 0 where there is none.
        model: As litellm names it.
        messages: What was sent.
        parameters: What was sent besides, as JSON.
        answer: What came back.
        end: How it ended.
        error: Why it was not answered; else empty.
        input_tokens: Of the messages.
        cached_tokens: Those of them that the provider had in its cache.
        output_tokens: Of the answer, with what a model thinks to itself.
        usd: What it cost.
        seconds: Until it ended.
    """

    session: Count
    role: str
    purpose: str
    unit: str = ""
    attempt: Count = 0
    model: str
    messages: list[Message]
    parameters: str = "{}"
    answer: str = ""
    end: CallEnd = CallEnd.ANSWERED
    error: str = ""
    input_tokens: Count = 0
    cached_tokens: Count = 0
    output_tokens: Count = 0
    usd: Annotated[FiniteFloat, Field(ge=0)] = 0.0
    seconds: FiniteFloat = 0.0

    @property
    def task(self) -> str:
        """What it is for, in a few words."""
        attempt = f"attempt {self.attempt}" if self.attempt else ""
        return ", ".join(filter(None, [self.purpose, self.unit, attempt]))

    @property
    def key(self) -> str:
        """Equal for calls that ask the same."""
        asked = [self.role, self.model, [m.model_dump() for m in self.messages], self.parameters]
        return digest(asked)


class Answer(Record):
    """What something other than a language model answered: ``kind`` says what, ``key`` to what."""

    session: Count
    kind: str
    key: str
    json_value: str


class Tape:
    """What one session was told, and was told before.

    Args:
        session: Index of the session.
        calls: Kept of it, oldest first.
        answers: Kept of it, oldest first.
        keep_call: Commits a call.
        keep_answer: Commits an answer.
        usd_of_run: What all calls of the run have cost so far.
        reserve: Sets aside the USD and tokens that a call may cost at most, and gives a ticket for
            them; raises ``BudgetError`` where the run has no more so much.
        release: Gives back what a ticket stands for.
        live: Whether what is not on the tape may be asked for.
    """

    def __init__(
        self,
        session: int,
        calls: Iterable[Call] = (),
        answers: Iterable[Answer] = (),
        keep_call: Callable[[Call], None] = lambda call: None,
        keep_answer: Callable[[Answer], None] = lambda answer: None,
        usd_of_run: Callable[[], float] = lambda: 0.0,
        reserve: Callable[[float, int], int] = lambda usd, tokens: 0,
        release: Callable[[int], None] = lambda ticket: None,
        live: bool = True,
    ) -> None:
        self.session, self.live = session, live
        self.calls = list(calls)
        self._ended: dict[str, deque[Call]] = defaultdict(deque)
        for call in self.calls:
            if call.end is not CallEnd.RETRIED:
                self._ended[call.key].append(call)
        self.answers = list(answers)
        self._answers: dict[tuple[str, str], deque[str]] = defaultdict(deque)
        for answer in self.answers:
            self._answers[answer.kind, answer.key].append(answer.json_value)
        self._keep_call, self._keep_answer = keep_call, keep_answer
        self._usd_of_run = usd_of_run
        self._reserve, self._release = reserve, release
        self._tickets: list[int] = []
        self._watchers: list[Callable[[Call], None]] = []

    @property
    def usd(self) -> float:
        """What the session's calls have cost so far."""
        return sum(call.usd for call in self.calls)

    @property
    def usd_of_run(self) -> float:
        """What all calls of the run have cost so far."""
        return self._usd_of_run()

    def reserve(self, usd: float, tokens: int) -> int:
        """Set aside what a call may cost at most, before it is sent.

        Returns:
            A ticket for it.

        Raises:
            BudgetError: The run has no more so much.
        """
        ticket = self._reserve(usd, tokens)
        self._tickets.append(ticket)
        return ticket

    def release(self, ticket: int) -> None:
        """Give back what is set aside, if that was not done before."""
        if ticket in self._tickets:
            self._tickets.remove(ticket)
            self._release(ticket)

    def close(self) -> None:
        """Give back all that is set aside: whoever had this tape is gone."""
        for ticket in tuple(self._tickets):
            self.release(ticket)

    @contextmanager
    def setting_aside(self, usd: float, tokens: int) -> Iterator[None]:
        """Set aside what a call may cost at most, until it is kept or was never sent.

        Raises:
            BudgetError: The run has no more so much.
        """
        ticket = self.reserve(usd, tokens)
        try:
            yield
        finally:
            self.release(ticket)

    def recall(self, call: Call) -> Call | None:
        """How a call that asks the same ended, if it is on the tape.

        Raises:
            StoreError: It is not, and this is a replay.
        """
        kept = self._ended[call.key]
        if kept:
            return kept.popleft()
        self._must_be_live(" ".join(filter(None, [call.role, call.purpose, call.unit])))
        return None

    def keep(self, call: Call) -> None:
        """Commit a call that has just ended, before anything is made of its answer.

        What was set aside for it is given back at once: what it cost is known now.

        Raises:
            StoreError: The disk refuses.
        """
        self._keep_call(call)
        if self._tickets:
            self.release(self._tickets[0])
        self.calls.append(call)
        for told in self._watchers:
            told(call)

    def watch(self, told: Callable[[Call], None]) -> None:
        """Tell of every call from now on, once it is committed."""
        self._watchers.append(told)

    def answer(self, kind: str, asked: Any, form: type[T], ask: Callable[[], T]) -> T:
        """What is on the tape, else what ``ask`` gives, which is committed.

        Args:
            kind: What is asked, e.g. ``check``.
            asked: The question, such as JSON can hold.
            form: Of the answer.
            ask: Asks.

        Raises:
            StoreError: It is not on the tape, and this is a replay; or the disk refuses.
        """
        adapter = TypeAdapter(form)
        key = digest(asked)
        kept = self._answers[kind, key]
        if kept:
            return adapter.validate_json(kept.popleft())
        self._must_be_live(kind)
        given = ask()
        value = adapter.dump_json(given).decode()
        self.keep_answer(Answer(session=self.session, kind=kind, key=key, json_value=value))
        return given

    def keep_answer(self, answer: Answer) -> None:
        """Commit an answer that was just given.

        Raises:
            StoreError: The disk refuses.
        """
        self._keep_answer(answer)
        self.answers.append(answer)

    def _must_be_live(self, what: str) -> None:
        if not self.live:
            raise StoreError(
                f"The replay of session {self.session} asks what the run never asked ({what}): "
                "prompts, code or config are not those of the run."
            )


def digest(value: Any) -> str:
    """A hash of what JSON can hold."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).hexdigest()
