"""What the loop tells whoever watches it (a display, a log, a test)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from genesys.evolution.budget import BudgetSettings
from genesys.population.ledger import Entry
from genesys.population.population import Population
from genesys.records import (
    CurvePoint,
    Design,
    Found,
    Proposal,
    Review,
    Scale,
    Selection,
    Session,
    VerificationReport,
)
from genesys.session import UnitAttempt
from genesys.tape import Call


@dataclass(frozen=True)
class Plan:
    """What a run goes by.

    Attributes:
        caps: On what it may spend.
        max_sessions: Sessions after which no more designs are tried for.
        ratio: Verifications that are to go with each new design while designs are made.
        entries: Of its ledger; grows while the run goes on.
    """

    caps: BudgetSettings
    max_sessions: int
    ratio: float
    entries: Sequence[Entry]


@dataclass(frozen=True)
class RunOpened:
    """The run starts or goes on with this population.

    Attributes:
        population: With the seeds.
        scales: The ladder, with the trials of all generations.
        designs: New designs that the run is to have in the end; None if no number is set.
        plan: What else it is to reach and may spend; None for a session by itself.
    """

    population: Population
    scales: tuple[Scale, ...]
    designs: int | None = None
    plan: Plan | None = None


@dataclass(frozen=True)
class SessionStarted:
    """A designer begins a session, or goes on with one that was stopped.

    Attributes:
        index: Of the session.
        selection: What it starts from.
        usd: What it has cost before.
    """

    index: int
    selection: Selection
    usd: float = 0.0


@dataclass(frozen=True)
class StageEntered:
    """A session enters a stage: ``propose``, ``review``, ``implement`` or ``check``."""

    stage: str
    detail: str = ""


@dataclass(frozen=True)
class Called:
    """A language model was called.

    Attributes:
        call: What was asked and answered.
        session_usd: What the session has cost so far.
        run_usd: What the run has cost so far.
    """

    call: Call
    session_usd: float
    run_usd: float


@dataclass(frozen=True)
class Searched:
    """A session has searched."""

    session: int
    found: Found


@dataclass(frozen=True)
class Reviewed:
    """A proposal was rated."""

    session: int
    proposal: Proposal
    review: Review
    accepted: bool


@dataclass(frozen=True)
class UnitTried:
    """An attempt at a unit has ended."""

    session: int
    attempt: UnitAttempt


@dataclass(frozen=True)
class SessionEnded:
    """A session was committed; ``design`` is None unless it was accepted."""

    session: Session
    design: Design | None


@dataclass(frozen=True)
class VerificationStarted:
    """A verifier begins."""

    design: str
    scale: Scale


@dataclass(frozen=True)
class TrainingProgress:
    """A point of the training curve of the verification under way."""

    point: CurvePoint


@dataclass(frozen=True)
class VerificationEnded:
    """A verification was committed."""

    report: VerificationReport


@dataclass(frozen=True)
class Reported:
    """A worker tells of what it does, where there are several.

    Attributes:
        worker: Its name, e.g. ``verifier-2``.
        event: What it tells.
    """

    worker: str
    event: Event


@dataclass(frozen=True)
class WorkersChanged:
    """A worker has joined or left.

    Attributes:
        workers: The names of those that there are now.
    """

    workers: tuple[str, ...]


@dataclass(frozen=True)
class Held:
    """No job is begun for now, or (with an empty reason) jobs are begun again."""

    why: str


@dataclass(frozen=True)
class RunEnded:
    """Nothing is left to do."""

    population: Population


Event = (
    RunOpened
    | SessionStarted
    | StageEntered
    | Called
    | Searched
    | Reviewed
    | UnitTried
    | SessionEnded
    | VerificationStarted
    | TrainingProgress
    | VerificationEnded
    | Reported
    | WorkersChanged
    | Held
    | RunEnded
)
Observer = Callable[[Event], None]
