"""Why a design is in the tree, and how far it has come: read from the ledger and the tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil

from pydantic import Field, FiniteFloat

from genesys.evolution.ladder import Ladder, Rung
from genesys.population.ledger import Entry, EntryKind, JobKind
from genesys.population.population import Population
from genesys.records import Design, Operator, Outcome, Record, Session, VerificationReport


class Attempt(Record):
    """One attempt at a job that has ended.

    Attributes:
        worker: Who made it; empty if that is not known.
        outcome: How it ended: a ``SessionEnd``, an ``Outcome``, or ``lost``.
        why: Why it ended so; may be empty.
        seconds: That the worker was busy with it.
    """

    worker: str = ""
    outcome: str
    why: str = ""
    seconds: FiniteFloat = 0.0


class Step(Record):
    """A job that made or verified the design.

    Attributes:
        job: Its number; None where no ledger tells it.
        session: Index of the session; None for a verification.
        scale: Name of the scale of a verification; empty for a session.
        why: Why it was decided on; for a session why these parents and this operator.
        attempts: At it, oldest first; the last one counts. Empty while it is under way.
    """

    job: int | None = None
    session: int | None = None
    scale: str = ""
    why: str = ""
    attempts: list[Attempt] = Field(default_factory=list)


class Provenance(Record):
    """Why a design is here.

    Attributes:
        ledger: Whether the run's ledger tells of it; else reasons and failed attempts are missing.
        made: The session that made it; None for a seed.
        before: Ends of the earlier sessions with the same operator and parents, oldest first.
        verified: Its verifications, oldest first, those under way last.
        ahead: What keeps it from the next rung, or that it has come to the top.
    """

    ledger: bool
    made: Step | None = None
    before: list[str] = Field(default_factory=list)
    verified: list[Step] = Field(default_factory=list)
    ahead: str = ""


class _Job:
    """A job as the ledger has it."""

    def __init__(self, begun: Entry) -> None:
        self.begun, self.under_way = begun, True
        self.attempts: list[Attempt] = []

    def take(self, entry: Entry) -> None:
        """An attempt has ended, or the job with it."""
        told = {"worker": entry.worker, "outcome": entry.outcome, "why": entry.why}
        self.attempts.append(Attempt(**told, seconds=entry.seconds))
        self.under_way = entry.kind is EntryKind.FAILED

    @property
    def step(self) -> Step:
        """What it was, and how it went."""
        begun = self.begun
        selected = begun.selection.why if begun.selection else ""
        return Step(
            job=begun.job,
            session=begun.session,
            scale=begun.scale,
            why=begun.why or selected,
            attempts=self.attempts,
        )


def provenance(
    population: Population, entries: Iterable[Entry], ladder: Ladder, name: str
) -> Provenance:
    """Why a design is here.

    Args:
        population: All that is committed.
        entries: Of the ledger; none for a run that has no ledger.
        ladder: With the trials of all generations so far.
        name: Of the design.

    Raises:
        UnknownNameError: There is no such design.
    """
    design = population.design(name)
    session = next((s for s in population.sessions if s.design == name), None)
    jobs = _jobs(entries)
    verifying = [job for job in jobs if job.begun.work is JobKind.VERIFICATION]
    steps = [job.step for job in verifying if job.begun.design == name]
    told = {step.scale for step in steps}
    untold = [_reported(r) for r in population.reports_of(name) if r.scale not in told]
    under_way = {job.begun.design: job.begun.scale for job in verifying if job.under_way}
    return Provenance(
        ledger=bool(jobs),
        made=_made(session, jobs) if session else None,
        before=_before(population, session) if session else [],
        verified=[*untold, *steps],
        ahead=_ahead(population, ladder, under_way, design),
    )


def _jobs(entries: Iterable[Entry]) -> list[_Job]:
    jobs: dict[int, _Job] = {}
    for entry in entries:
        if entry.job is None:
            continue
        if entry.kind is EntryKind.BEGUN:
            jobs[entry.job] = _Job(entry)
        elif entry.job in jobs:
            jobs[entry.job].take(entry)
    return list(jobs.values())


def _made(session: Session, jobs: Sequence[_Job]) -> Step:
    """The session's job, or what the tree alone tells of it."""
    for job in jobs:
        if job.begun.session == session.index:
            return job.step
    end = Attempt(outcome=session.end.value, why=session.note, seconds=session.seconds)
    return Step(session=session.index, why=session.selection.why, attempts=[end])


def _reported(report: VerificationReport) -> Step:
    """What the tree alone tells of a verification."""
    end = Attempt(outcome=report.outcome.value, seconds=report.seconds)
    return Step(scale=report.scale, attempts=[end])


def _before(population: Population, session: Session) -> list[str]:
    """How earlier sessions from the same ended: the design, or why there is none."""
    return [
        earlier.design or earlier.end.value
        for earlier in population.sessions[: session.index]
        if earlier.selection.operator is session.selection.operator
        and set(earlier.selection.designs) == set(session.selection.designs)
    ]


def _ahead(
    population: Population, ladder: Ladder, under_way: Mapping[str, str], design: Design
) -> str:
    name = design.name
    if faults := [r for r in population.reports_of(name) if r.outcome is Outcome.DESIGN_ERROR]:
        return f"failed at {faults[0].scale} by its own fault: it climbs and breeds no more"
    if name in under_way:
        return f"under way at {under_way[name]}"
    rungs, verified = ladder.rungs(population, under_way), population.verified_scales(name)
    place = next((n for n, rung in enumerate(rungs) if rung.scale.name not in verified), None)
    if place is None:
        return "verified on every rung"
    if not rungs[place].available:
        return _closed(rungs, place)
    rung = rungs[place]
    if name not in ladder.open(population, under_way):
        below = rungs[place - 1].scale.name
        return f"not promoted to {rung.scale.name}: not among the best at {below} so far"
    seeds = ", of which seeds have a share only" if design.operator is Operator.SEED else ""
    return (
        f"not picked for {rung.scale.name} yet: {rung.available} of its {rung.scale.trials} trials "
        f"are open{seeds}"
    )


def _closed(rungs: Sequence[Rung], place: int) -> str:
    """Why nothing may be begun on a rung."""
    rung = rungs[place]
    scale, taken = rung.scale, rung.used + rung.under_way
    if taken >= scale.trials:
        return f"not verified at {scale.name}: all its {scale.trials} trials are spent"
    below = rungs[place - 1]
    needed = ceil((taken + 1) * below.scale.trials / scale.trials) - below.used
    released = f"{rung.released} of its {scale.trials} trials are released, and spent"
    if not rung.released:
        released = f"none of its {scale.trials} trials is released"
    more = f"the next after {needed} more at {below.scale.name}"
    return f"not promoted to {scale.name} yet: {released}; {more}"
