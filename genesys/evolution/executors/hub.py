"""The hub: where the workers of a run come together, wherever they run."""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from genesys.errors import GenesysError
from genesys.evolution.admission import unique_name
from genesys.evolution.events import Observer, Reported, WorkersChanged
from genesys.evolution.executors.door import Door
from genesys.evolution.executors.line import Gone, Inbox, Line
from genesys.evolution.executors.protocol import (
    MOST_RECORDS,
    Denied,
    Fault,
    Finished,
    FromWorker,
    Granted,
    Growth,
    Hello,
    KeepAnswer,
    KeepCall,
    Leaving,
    OfTape,
    Order,
    Ready,
    Release,
    Reserve,
    Stop,
    Told,
    UnreadableError,
    Welcome,
    raised,
)
from genesys.evolution.jobs import Done, Ended, Extent, Faulty, Job, Lost, Task
from genesys.population.ledger import JobKind
from genesys.population.population import Population
from genesys.tape import Tape
from genesys.text import one_line

BEATS = 4  # in a lease
LOOK_SECONDS = 0.5  # between looks at the leases
MOST_AT_ONCE = 1000  # messages to hear before looking at all else
MOST_STRANGERS = 100  # that are told of: anybody may knock at an open port
STOP_SECONDS = 2.0  # for workers to go when they are told to
LONGEST_REASON = 1000  # characters
# A job whose workers have all failed at it waits so long for one that has not.
PATIENCE_SECONDS = 60.0


@dataclass
class Member:
    """A worker that has joined.

    Attributes:
        line: To it.
        name: Its own.
        hello: What it said of itself.
        ready: Whether it has its plugins.
        leaving: Whether it takes no further order.
        task: What it is at.
        since: When it was given that, by the monotonic clock.
        knows: How much of the population it has a copy of.
    """

    line: Line
    name: str
    hello: Hello
    ready: bool = False
    leaving: bool = False
    task: Task | None = None
    since: float = 0.0
    knows: Extent = field(default_factory=lambda: Extent(designs=0, reports=0, sessions=0))

    @property
    def free(self) -> bool:
        """Whether it would begin a job at once."""
        return self.ready and not self.leaving and self.task is None

    @property
    def devices(self) -> int:
        """How many it keeps busy: its GPUs, or without any, itself."""
        return max(1, self.hello.devices)

    def does(self, kind: JobKind) -> bool:
        """Whether it does this kind of job."""
        return kind in self.hello.roles


class Hub:
    """Listens for workers, gives them jobs and keeps what they keep. Use it as a context manager.

    All is decided and committed in the thread that calls it; other threads only read and write. A
    worker whose connection ends, which says what no worker says, or is silent for as long as its
    lease, has lost its job.

    Args:
        config: Of the run.
        observe: Is told what workers do.
        note: Is told for the ledger: a worker's name, whether it has joined or left, and why.
        lease_seconds: A worker that is silent for so long is lost.
        listen: ``host:port`` to be reached at from other machines; empty for this machine alone.
        why: What is known of a worker's end beside its connection's; empty if nothing.

    Attributes:
        address: Of a Unix socket in a folder that nobody else may enter, or ``host:port``.
        key: That workers have to know.
        expected: Workers that are to join or to come back, with what they do.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        observe: Observer,
        note: Callable[[str, bool, str], None],
        lease_seconds: float,
        listen: str = "",
        why: Callable[[str], str] = lambda name: "",
    ) -> None:
        self._config = json.dumps(config)
        self._observe, self._note, self._why = observe, note, why
        self._lease, self._listen = lease_seconds, listen
        self.key = secrets.token_hex(32)
        self.expected: Mapping[str, Sequence[JobKind]] = {}
        self._inbox: Inbox = SimpleQueue()
        self._members: dict[Line, Member] = {}
        self._waiting: list[tuple[Task, float]] = []
        self._ended: list[Ended] = []
        self._changed = False
        self._strangers = 0
        self._looked = self._grace = time.monotonic()

    def __enter__(self) -> Hub:
        self._door = Door(self._listen, bytes.fromhex(self.key), self._inbox)
        self.address = self._door.address
        return self

    def __exit__(self, *_: object) -> None:
        for member in self.members:
            member.line.say(Stop())
        deadline = time.monotonic() + STOP_SECONDS
        for member in self.members:
            member.line.ended.wait(max(0.0, deadline - time.monotonic()))
        self._door.close()

    @property
    def members(self) -> Sequence[Member]:
        """The workers that have joined and not left, in the order in which they came."""
        return tuple(self._members.values())

    def room(self, kind: JobKind) -> int:
        """How many more jobs of this kind would be begun at once."""
        free = sum(member.free and member.does(kind) for member in self._members.values())
        return max(0, free - sum(task.job.kind is kind for task, _ in self._waiting))

    def submit(self, task: Task) -> None:
        """Have a job done by the first that is free."""
        self._waiting.append((task, time.monotonic()))
        self._assign()

    def dismiss(self, member: Member) -> None:
        """Give a worker no further job, and let it go when it has done the one it has."""
        member.leaving = True
        if member.task is None:
            member.line.say(Stop())

    def wait(self, seconds: float) -> Sequence[Ended]:
        """What has ended since; waits up to so long for that, or for a worker to come or go."""
        deadline = time.monotonic() + seconds
        while True:
            left = 0.0 if self._ended or self._changed else deadline - time.monotonic()
            for line, said in self._said(min(max(0.0, left), LOOK_SECONDS)):
                self._hear(line, said)
            self._look()
            self._assign()
            if self._ended or self._changed or left <= 0:
                break
        ended, self._ended, self._changed = self._ended, [], False
        return ended

    def _said(self, seconds: float) -> Iterator[tuple[Line, FromWorker | Gone]]:
        """What was said, once something was."""
        with contextlib.suppress(Empty):
            yield self._inbox.get(timeout=seconds) if seconds else self._inbox.get_nowait()
            for _ in range(MOST_AT_ONCE):
                yield self._inbox.get_nowait()

    def _hear(self, line: Line, said: FromWorker | Gone) -> None:
        member = self._members.get(line)
        if member is None:
            self._hear_stranger(line, said)
        elif isinstance(said, Gone):
            self._drop(member, said.reason)
        else:
            try:
                self._heed(member, said)
            except UnreadableError as error:
                self._drop(member, f"It said what no worker says: {error}.")

    def _hear_stranger(self, line: Line, said: FromWorker | Gone) -> None:
        if isinstance(said, Hello):
            taken = {member.name for member in self._members.values()}
            name = unique_name(said.name, taken)
            self._members[line] = Member(line, name, said)
            beat_seconds = self._lease / BEATS
            line.say(Welcome(name=name, config=self._config, beat_seconds=beat_seconds))
        elif isinstance(said, Gone) and said.reason and self._strangers < MOST_STRANGERS:
            self._strangers += 1
            self._note("a stranger", False, said.reason)

    def _heed(self, member: Member, said: FromWorker) -> None:
        """Do what a worker wants.

        Raises:
            UnreadableError: It has no business to want that.
        """
        if isinstance(said, Ready) and not member.ready:
            member.ready = True
            self._tell_of(member, True, ", ".join(member.hello.roles))
        elif isinstance(said, Leaving):
            self.dismiss(member)
        elif isinstance(said, Told):
            self._observe(Reported(member.name, said.read))
        elif isinstance(said, OfTape):
            self._keep(member, said)
        elif isinstance(said, Finished | Fault):
            self._end(member, said)
        else:
            raise UnreadableError(f"{said.kind} at the wrong time")

    def _keep(self, member: Member, said: OfTape) -> None:
        """Do what a session's tape asks for, and answer when it is done."""
        if member.task is None or (tape := member.task.tape) is None:
            raise UnreadableError(f"{said.kind} without a session")
        try:
            ticket = _kept(tape, said)
        except GenesysError as error:
            member.line.say(Denied(error=type(error).__name__, message=str(error)))
        else:
            member.line.say(Granted(usd=tape.usd_of_run, ticket=ticket))

    def _end(self, member: Member, said: Finished | Fault) -> None:
        task, since = member.task, member.since
        if task is None and isinstance(said, Fault) and not member.ready:
            self._drop(member, f"It cannot work: {said.message}")
            return
        if task is None or said.job != task.job.number:
            raise UnreadableError("the end of a job that it does not have")
        if isinstance(said, Fault):
            error = raised(said.error, said.message)
            self._ended.append(Faulty(task.job, member.name, error))
        else:
            _check(task.job, said)
            seconds = min(said.seconds, time.monotonic() - since)
            made = said.session, said.design, said.report
            self._ended.append(Done(task.job, member.name, seconds, *made, member.devices))
        member.task = None
        if member.leaving:
            member.line.say(Stop())

    def _drop(self, member: Member, reason: str) -> None:
        """A worker is gone, or is to be."""
        del self._members[member.line]
        member.line.close()
        self._changed = True
        if member.leaving and member.task is None:
            reason = "It was let go."
        else:
            known = one_line(f"{reason} {self._why(member.name)}", LONGEST_REASON)
            reason = known or "Its connection has ended."
        if task := member.task:
            if task.tape:
                task.tape.close()
            seconds = time.monotonic() - member.since
            self._ended.append(Lost(task.job, member.name, seconds, reason, member.devices))
        self._tell_of(member, False, reason)

    def _tell_of(self, member: Member, joined: bool, why: str) -> None:
        self._changed = True
        if member.ready or not joined:
            self._note(member.name, joined, why)
        names = tuple(other.name for other in self._members.values() if other.ready)
        self._observe(WorkersChanged(names))

    def _look(self) -> None:
        """Drop who has been silent for too long.

        The time in which this process was kept from looking, e.g. stopped, counts for nobody: what
        was said meanwhile may not be read yet.
        """
        now = time.monotonic()
        if now - self._looked > self._lease / 2:
            self._grace = now
        self._looked = now
        for member in self.members:
            if now - max(member.line.heard, self._grace) > self._lease:
                self._drop(member, f"It was silent for {self._lease:g} seconds.")

    def _assign(self) -> None:
        """Give what waits to who is free."""
        for waiting in tuple(self._waiting):
            if member := self._fit(*waiting):
                self._waiting.remove(waiting)
                self._give(member, waiting[0])

    def _fit(self, task: Task, since: float) -> Member | None:
        """Who should have a job now; one who has failed at it only where nobody else may come."""
        kind = task.job.kind
        free = [m for m in self._members.values() if m.free and m.does(kind)]
        fresh = [m for m in free if m.name not in task.avoid]
        if not fresh and self._may_come(task) and time.monotonic() - since < PATIENCE_SECONDS:
            return None
        # Who does nothing else goes first.
        return min(fresh or free, key=lambda m: len(m.hello.roles), default=None)

    def _may_come(self, task: Task) -> bool:
        """Whether somebody who has not failed at a job is busy with another, or expected."""
        kind = task.job.kind
        able = {m.name for m in self._members.values() if m.does(kind) and not m.leaving}
        able |= {name for name, roles in self.expected.items() if kind in roles}
        return bool(able - task.avoid)

    def _give(self, member: Member, task: Task) -> None:
        if task.job.kind is JobKind.SESSION:
            for growth in _growths(task.population, member.knows):
                member.line.say(growth)
            member.knows = _most(member.knows, Extent.of(task.population))
        tape = task.tape
        member.line.say(
            Order(
                job=task.job,
                weights=dict(task.population.weights),
                calls=tape.calls if tape else [],
                answers=tape.answers if tape else [],
                live=tape.live if tape else True,
                design=task.design,
                scale=task.scale,
            )
        )
        member.task, member.since = task, time.monotonic()


def _kept(tape: Tape, said: OfTape) -> int:
    """Do it; gives a ticket if something was set aside."""
    if isinstance(said, KeepCall):
        _same_session(said.call.session, tape.session)
        tape.keep(said.call)
    elif isinstance(said, KeepAnswer):
        _same_session(said.answer.session, tape.session)
        tape.keep_answer(said.answer)
    elif isinstance(said, Reserve):
        return tape.reserve(said.usd, said.tokens)
    elif isinstance(said, Release):
        tape.release(said.ticket)
    return 0


def _same_session(said: int, own: int) -> None:
    if said != own:
        raise UnreadableError("something of another session")


def _check(job: Job, said: Finished) -> None:
    """Raise ``UnreadableError`` unless this is what comes of a job."""
    session, report = said.session, said.report
    if job.kind is JobKind.SESSION:
        fits = (
            session is not None
            and report is None
            and (session.index, session.selection) == (job.session, job.selection)
            and session.design == (said.design.name if said.design else "")
        )
    else:
        fits = (
            report is not None
            and session is None
            and said.design is None
            and (report.design, report.scale) == (job.design, job.scale)
        )
    if not fits:
        raise UnreadableError("the result of another job")


def _growths(population: Population, known: Extent) -> Iterator[Growth]:
    """What is in a population beyond what is known of it, in parts."""
    begin = known.model_dump()
    new = max(len(getattr(population, name)) - begin[name] for name in begin)
    for start in range(0, new, MOST_RECORDS):
        parts = {
            name: getattr(population, name)[at + start : at + start + MOST_RECORDS]
            for name, at in begin.items()
        }
        yield Growth.model_validate({name: list(part) for name, part in parts.items()})


def _most(one: Extent, other: Extent) -> Extent:
    return Extent(
        **{name: max(getattr(one, name), getattr(other, name)) for name in Extent.model_fields}
    )
