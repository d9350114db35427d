"""One agent's conversation with its model: asks, asks again for what is missing, and fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from genesys.errors import GenesysError
from genesys.tape import Message
from genesys_agents.llm.caller import CUT_OFF, Caller
from genesys_agents.llm.errors import ContextOverflowError
from genesys_agents.team.answers import Form, Unread
from genesys_agents.team.prompts import render

T = TypeVar("T")

SYSTEM, USER, ASSISTANT = "system", "user", "assistant"
# Text and code in English; a low guess leaves room.
_CHARACTERS_PER_TOKEN = 3
_HALVINGS = 3
_SHORTEST = 2_000  # characters that a cut message keeps
_LEFT_OUT = "[{:,} characters are left out here: the conversation was too long]"

_NOTE = len(_LEFT_OUT) + 20  # its most characters, filled in
_DROPPED = "[{} earlier messages are left out here: the conversation was too long]"


TOO_LONG = Unread(("it was cut off for its length: say it in fewer words, and end it",))


class UnusableAnswerError(GenesysError):
    """A model was asked again and again, and did not give what was asked for."""


class Conversation:
    """What one agent and its model have said.

    The system prompt and the first message stay as they are, so that a provider's cache of
    prefixes pays; what is too long is left out after them, oldest first, and a line says so.

    Args:
        caller: Of the session.
        role: Of the agent.
        system: Its system prompt.
        reasks: How often it is asked again for one answer.
    """

    def __init__(self, caller: Caller, role: str, system: str, reasks: int = 2) -> None:
        self._caller, self._role, self._reasks = caller, role, reasks
        self._messages = [Message(author=SYSTEM, text=system)]

    def ask(
        self,
        prompt: str,
        read: Callable[[str], T | Unread],
        purpose: str,
        unit: str = "",
        attempt: int = 0,
        form: type[Form] | None = None,
    ) -> T:
        """Say something, and read the answer.

        Args:
            prompt: What to say.
            read: Makes of an answer what is wanted, or says what is wrong with it.
            purpose: What for, as it stands in the call.
            unit: The unit that is worked on.
            attempt: Which attempt at it.
            form: Of an answer that is nothing but a JSON object, for models that can be held to
                its schema.

        Raises:
            UnusableAnswerError: The answers are not what was asked for.
            GenesysError: What :meth:`Caller.ask` raises.
        """
        schema = form.schema_of_all() if form and self._caller.follows_schemas(self._role) else None
        self._say(USER, prompt)
        for asked in range(self._reasks + 1):
            answer = self._answer(purpose, unit, attempt, schema)
            self._say(ASSISTANT, answer)
            result = TOO_LONG if answer.endswith(CUT_OFF) else read(answer)
            if not isinstance(result, Unread):
                return result
            if asked < self._reasks:
                self._say(USER, render("again", problems=result.problems))
        raise UnusableAnswerError(
            f"The {self._role} gave no usable answer ({purpose}) in {self._reasks + 1} tries: "
            f"{result}."
        )

    def _say(self, author: str, text: str) -> None:
        self._messages.append(Message(author=author, text=text))

    def _answer(self, purpose: str, unit: str, attempt: int, schema: dict[str, Any] | None) -> str:
        """Ask with as much of the conversation as fits; with half of it while it is too long."""
        tokens = self._caller.context(self._role)
        most = None if tokens is None else tokens * _CHARACTERS_PER_TOKEN
        for halved in range(_HALVINGS + 1):
            messages = fitted(self._messages, most)
            try:
                return self._caller.ask(self._role, messages, purpose, unit, attempt, schema)
            except ContextOverflowError:
                if halved == _HALVINGS:
                    raise
                most = _size(messages) // 2
        raise AssertionError  # the last turn returns or raises


def fitted(messages: Sequence[Message], most: int | None) -> list[Message]:
    """The conversation in so many characters: without old turns, then with long messages cut.

    Kept whole as long as possible are the system prompt, the first message and the last.
    """
    kept = list(messages)
    if most is None:
        return kept
    while _size(kept) > most and len(kept) > 4:
        del kept[2:4]  # an answer, and what was said to it
    if dropped := len(messages) - len(kept):
        told = f"{_DROPPED.format(dropped)}\n\n{kept[-1].text}"
        kept[-1] = kept[-1].model_copy(update={"text": told})
    while (over := _size(kept) - most) > 0:
        longest = max(kept, key=lambda message: len(message.text))
        cut = _cut(longest.text, max(_SHORTEST, len(longest.text) - over - _NOTE))
        if len(cut) >= len(longest.text):
            break
        kept[kept.index(longest)] = longest.model_copy(update={"text": cut})
    return kept


def _size(messages: Sequence[Message]) -> int:
    return sum(len(message.text) for message in messages)


def _cut(text: str, room: int) -> str:
    """The text without its middle."""
    head = room * 2 // 3
    tail = room - head
    return f"{text[:head]}\n{_LEFT_OUT.format(len(text) - room)}\n{text[-tail:]}"
