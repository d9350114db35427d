"""What coordinator and workers say to each other: records as JSON, one a frame; nothing is pickled.

A connection begins with the challenges of ``multiprocessing.connection``, by which both sides show
that they know the key. Then a worker says ``Hello`` and is welcomed or refused, builds its plugins
and says ``Ready``. From then on it is given orders, one at a time.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Annotated, Literal, TypeVar

from pydantic import Field, FiniteFloat, TypeAdapter, ValidationError

from genesys import errors
from genesys.errors import GenesysError
from genesys.evolution import events
from genesys.evolution.events import Event
from genesys.evolution.jobs import Job
from genesys.population.ledger import JobKind
from genesys.records import Design, Record, Scale, Session, VerificationReport, first_problem
from genesys.tape import Answer, Call

R = TypeVar("R", bound=Record)

# The longest name of a worker.
LONGEST = 64
# A frame that says to be longer is none. Populations are sent in many.
MOST_BYTES = 256 * 2**20
MOST_RECORDS = 200
# What a worker's events are, by name.
EVENTS: dict[str, TypeAdapter[Event]] = {
    kind.__name__: TypeAdapter(kind)
    for kind in (
        events.SessionStarted,
        events.StageEntered,
        events.Called,
        events.Searched,
        events.Reviewed,
        events.UnitTried,
        events.VerificationStarted,
        events.TrainingProgress,
    )
}
Name = Annotated[str, Field(pattern=rf"^[\w.@-]{{1,{LONGEST}}}$")]
Roles = Annotated[list[JobKind], Field(min_length=1)]


class UnreadableError(Exception):
    """A frame that is no message. It is text that a stranger may have written."""


class Invitation(Record):
    """What a worker needs to join a run; whoever has it can join, so it is kept secret.

    Attributes:
        address: Path of a Unix socket, or ``host:port``.
        key: That both sides show to know, in hexadecimal digits.
        name: What the worker is to be called.
        roles: The jobs that it does.
        threads: CPU threads of its sandbox's guests that bring no limits of their own; None for
            what the config says.
    """

    address: str
    key: Annotated[str, Field(pattern=r"^([0-9a-f]{2}){16,}$")]
    name: Name
    roles: Roles
    threads: Annotated[int, Field(ge=1)] | None = None

    @property
    def where(self) -> str | tuple[str, int]:
        """The address as ``multiprocessing.connection`` takes it."""
        host, _, port = self.address.rpartition(":")
        is_path = self.address.startswith("/") or not port.isdigit()
        return self.address if is_path else (host, int(port))


class Hello(Record):
    """A worker introduces itself.

    Attributes:
        kind: Of the message.
        version: Of Genesys.
        name: What it would be called.
        roles: The jobs that it does.
        devices: GPUs that it has.
        host: Name of its machine.
        pid: Of its process there.
    """

    kind: Literal["hello"] = "hello"
    version: str
    name: Name
    roles: Roles
    devices: Annotated[int, Field(ge=0)] = 0
    host: str = ""
    pid: int = 0


class Ready(Record):
    """A worker has its plugins and waits for orders."""

    kind: Literal["ready"] = "ready"


class Beat(Record):
    """A worker is alive."""

    kind: Literal["beat"] = "beat"


class Leaving(Record):
    """A worker takes no further order, and wants to be let go after the one it has."""

    kind: Literal["leaving"] = "leaving"


class KeepCall(Record):
    """A call to commit."""

    kind: Literal["keep_call"] = "keep_call"
    call: Call


class KeepAnswer(Record):
    """An answer to commit."""

    kind: Literal["keep_answer"] = "keep_answer"
    answer: Answer


class Reserve(Record):
    """What a call may cost at most, to be set aside."""

    kind: Literal["reserve"] = "reserve"
    usd: FiniteFloat
    tokens: int


class Release(Record):
    """What was set aside is given back."""

    kind: Literal["release"] = "release"
    ticket: int


class Spent(Record):
    """A worker asks what the run's calls have cost so far."""

    kind: Literal["spent"] = "spent"


class Told(Record):
    """An event, for whoever watches the run.

    Attributes:
        kind: Of the message.
        event: Name of its class.
        json_value: What it holds.
    """

    kind: Literal["told"] = "told"
    event: str
    json_value: str

    @classmethod
    def of(cls, event: Event) -> Told:
        """The message with an event, which must be one that a worker tells."""
        name = type(event).__name__
        return cls(event=name, json_value=EVENTS[name].dump_json(event).decode())

    @property
    def read(self) -> Event:
        """The event.

        Raises:
            UnreadableError: It is none that a worker tells.
        """
        if self.event not in EVENTS:
            raise UnreadableError("an event that is none of a worker's")
        try:
            return EVENTS[self.event].validate_json(self.json_value)
        except ValidationError as error:
            raise UnreadableError(first_problem(error)) from None


class Finished(Record):
    """A job has ended; see ``genesys.evolution.jobs.Done``."""

    kind: Literal["finished"] = "finished"
    job: int
    seconds: Annotated[FiniteFloat, Field(ge=0)]
    session: Session | None = None
    design: Design | None = None
    report: VerificationReport | None = None


class Fault(Record):
    """What keeps a worker from its job, or (without one) from working at all.

    Attributes:
        kind: Of the message.
        job: Number of the job, if it had one.
        error: Name of the error's class.
        message: For a person.
    """

    kind: Literal["fault"] = "fault"
    job: int | None = None
    error: str
    message: str

    @classmethod
    def of(cls, error: Exception, job: int | None = None) -> Fault:
        """The message with an error."""
        return cls(job=job, error=type(error).__name__, message=str(error))


class Welcome(Record):
    """A worker is taken on.

    Attributes:
        kind: Of the message.
        name: What it is called; another one than it wished for if that is taken.
        config: Of the run, as JSON.
        beat_seconds: How often it is to say that it is alive.
    """

    kind: Literal["welcome"] = "welcome"
    name: Name
    config: str
    beat_seconds: Annotated[FiniteFloat, Field(gt=0)]


class Refused(Record):
    """A worker is not taken on."""

    kind: Literal["refused"] = "refused"
    reason: str


class Growth(Record):
    """What a worker's copy of the population lacks, or a part of it; in the tree's order."""

    kind: Literal["growth"] = "growth"
    designs: list[Design] = Field(default_factory=list)
    reports: list[VerificationReport] = Field(default_factory=list)
    sessions: list[Session] = Field(default_factory=list)


class Order(Record):
    """A job to do; see ``genesys.evolution.jobs.Task``.

    Attributes:
        kind: Of the message.
        job: The job, with how much of the population counts.
        weights: Of the fitness's terms.
        calls: On the tape of a session, oldest first.
        answers: On the tape of a session, oldest first.
        live: Whether what is not on the tape may be asked for.
        design: To verify.
        scale: To verify it at.
    """

    kind: Literal["order"] = "order"
    job: Job
    weights: dict[str, float] = Field(default_factory=dict)
    calls: list[Call] = Field(default_factory=list)
    answers: list[Answer] = Field(default_factory=list)
    live: bool = True
    design: Design | None = None
    scale: Scale | None = None


class Granted(Record):
    """What a tape has asked for is done: the call is committed, for instance.

    Attributes:
        kind: Of the message.
        usd: What the run's calls have cost so far.
        ticket: For what was set aside.
    """

    kind: Literal["granted"] = "granted"
    usd: float = 0.0
    ticket: int = 0


class Denied(Record):
    """What a tape has asked for cannot be done.

    Attributes:
        kind: Of the message.
        error: Name of the error's class.
        message: For a person.
    """

    kind: Literal["denied"] = "denied"
    error: str
    message: str


class Stop(Record):
    """A worker ends now, with all that it has under way."""

    kind: Literal["stop"] = "stop"


OfTape = KeepCall | KeepAnswer | Reserve | Release | Spent
FromWorker = Hello | Ready | Beat | Leaving | OfTape | Told | Finished | Fault
FromHub = Welcome | Refused | Growth | Order | Granted | Denied | Stop
FROM_WORKER: TypeAdapter[FromWorker] = TypeAdapter(
    Annotated[FromWorker, Field(discriminator="kind")]
)
FROM_HUB: TypeAdapter[FromHub] = TypeAdapter(Annotated[FromHub, Field(discriminator="kind")])


def our_version() -> str:
    """The version of Genesys that is installed."""
    return version("genesys")


def written(message: FromWorker | FromHub) -> bytes:
    """The frame of a message."""
    return message.model_dump_json().encode()


def read(form: TypeAdapter[R], frame: bytes) -> R:
    """The message of a frame.

    Raises:
        UnreadableError: It holds none.
    """
    try:
        return form.validate_json(frame)
    except ValidationError as error:
        raise UnreadableError(first_problem(error)) from None


def other_version(frame: bytes) -> str:
    """The version in a ``Hello`` of another version, whatever else it says; empty for any other."""
    try:
        said = json.loads(frame)
    except ValueError:
        return ""
    theirs = said.get("version") if isinstance(said, dict) else None
    return theirs if isinstance(theirs, str) and theirs != our_version() else ""


def raised(name: str, message: str) -> GenesysError:
    """The error of a class and message: of a class of ``genesys.errors``, else a ``GenesysError``.

    It has the message, and none of the attributes that its class may have besides.
    """
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, GenesysError):
        return kind.__new__(kind, message)
    return GenesysError(f"{name}: {message}")
