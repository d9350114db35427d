"""Jobs: what a worker is given to do, and how that ended."""

from __future__ import annotations

from dataclasses import dataclass

from genesys.population.ledger import JobKind
from genesys.population.population import Population
from genesys.records import Design, Record, Scale, Selection, Session, VerificationReport
from genesys.tape import Tape


class Extent(Record):
    """How much of an evolution tree there was at a moment: so many of each, in their order."""

    designs: int
    reports: int
    sessions: int

    @classmethod
    def of(cls, population: Population) -> Extent:
        """That of a population."""
        return cls(
            designs=len(population.designs),
            reports=len(population.reports),
            sessions=len(population.sessions),
        )

    def part(self, population: Population) -> Population:
        """What there was of a population at that moment."""
        return population.until(self.designs, self.reports, self.sessions)


class Job(Record):
    """One session of a designer, or one verification of a design at a scale.

    Attributes:
        number: Position in the order in which the run's jobs were begun, from 0.
        kind: Session or verification.
        extent: What was committed when it was decided on; a session knows no more than that.
        session: Index of the session; None for a verification.
        selection: What the session starts from; None for a verification.
        design: Name of the design to verify; empty for a session.
        scale: Name of the scale to verify it at; empty for a session.
        why: Why this and not something else, in a sentence.
    """

    number: int
    kind: JobKind
    extent: Extent
    session: int | None = None
    selection: Selection | None = None
    design: str = ""
    scale: str = ""
    why: str = ""


@dataclass(frozen=True)
class Task:
    """A job with all that a worker needs for it.

    Attributes:
        job: The job.
        population: As it was decided on; a session works on this.
        tape: Of the session; keeping something on it commits that. None for a verification.
        design: To verify; None for a session.
        scale: To verify it at; None for a session.
        avoid: Workers that have failed at it, which should not have it again.
    """

    job: Job
    population: Population
    tape: Tape | None = None
    design: Design | None = None
    scale: Scale | None = None
    avoid: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Done:
    """A job has ended; nothing of its result is committed yet.

    Attributes:
        job: The job.
        worker: Who did it.
        seconds: That the worker was busy with it.
        session: How the session ended; None for a verification.
        design: What the session made, if it made something.
        report: Of the verification; None for a session.
        devices: How many the worker had meanwhile: GPUs, or without any, itself.
    """

    job: Job
    worker: str
    seconds: float
    session: Session | None = None
    design: Design | None = None
    report: VerificationReport | None = None
    devices: int = 1


@dataclass(frozen=True)
class Lost:
    """The worker that had a job is gone, or has been silent for too long.

    Attributes:
        job: The job, which nobody works on any more.
        worker: Who had it.
        seconds: Since the worker was given it.
        reason: What is known of the worker's end.
        devices: As of :class:`Done`.
    """

    job: Job
    worker: str
    seconds: float
    reason: str
    devices: int = 1


@dataclass(frozen=True)
class Faulty:
    """A job met a fault that would end every further one too, such as a wrong config.

    Attributes:
        job: The job.
        worker: Who had it.
        error: For the person who runs this.
    """

    job: Job
    worker: str
    error: Exception


Ended = Done | Lost | Faulty
