"""One line of text for each event that a person wants to read of."""

from __future__ import annotations

from collections.abc import Sequence

from genesys.cli.leaderboard import blame, descent
from genesys.cli.text import count, duration, gist
from genesys.cli.text import usd as in_usd
from genesys.evolution.events import (
    Event,
    Held,
    Reviewed,
    RunEnded,
    RunOpened,
    Searched,
    SessionEnded,
    UnitTried,
    VerificationEnded,
    VerificationStarted,
)
from genesys.records import Missing, Operator, Outcome, Session, SessionEnd, VerificationReport
from genesys.session import UnitAttempt
from genesys.text import one_line

GOOD, BAD, NEUTRAL = "✔", "✘", "·"


def narrate(event: Event, place: str = "", usd: float = 0.0) -> str | None:
    """The line for an event, its first character one of ✔ ✘ ·; None if it is not worth one.

    Args:
        event: What happened.
        place: Of a design that was verified, among those at this scale, e.g. ``rank 2 of 9``.
        usd: What the session has cost.
    """
    match event:
        case RunOpened() | RunEnded() | Held():
            return _running(event)
        case Searched() | Reviewed() | UnitTried() | SessionEnded():
            return _designing(event, usd)
        case VerificationStarted(design=design, scale=scale):
            seeds = f" × {scale.seeds} seeds" if scale.seeds > 1 else ""
            work = f"{count(scale.tokens)} tokens{seeds}"
            return f"{NEUTRAL} verifying {design} at {scale.name} ({work})"
        case VerificationEnded(report=report):
            return _verification(report, place)
        case _:
            return None


def _running(event: RunOpened | RunEnded | Held) -> str:
    match event:
        case RunOpened(population=population):
            return f"{NEUTRAL} {_opening(len(population.seeds), len(population.children))}"
        case Held(why=why):
            return f"{NEUTRAL} waiting: {one_line(why, 400)}" if why else f"{NEUTRAL} going on"
        case RunEnded(population=population):
            made = len(population.children)
            return f"{GOOD} done: {made} new designs, {len(population.reports)} verifications"


def _opening(seeds: int, children: int) -> str:
    if children:
        return f"going on with {seeds} seeds and {children} designs"
    return f"starting from {seeds} seed{'s' * (seeds != 1)}"


def _missing(sources: Sequence[Missing]) -> str:
    told = [f"{missing.source}: {missing.reason}. {missing.hint}" for missing in sources]
    return one_line(" ".join(told), 400)


def _designing(event: Searched | Reviewed | UnitTried | SessionEnded, usd: float) -> str | None:
    match event:
        case Searched(session=index, found=found):
            told = _missing(found.missing)
            return f"{BAD} session {index}: a search went without {told}" if told else None
        case Reviewed(session=index, proposal=proposal, review=review, accepted=accepted):
            end = "" if accepted else ", turned down"
            rated = f"{proposal.name} rated {review.rating:g} of 5{end}"
            return f"{GOOD if accepted else BAD} session {index}: {rated}"
        case UnitTried(session=index, attempt=attempt):
            return _attempt(index, attempt)
        case SessionEnded(session=session):
            return _session(session, f", {in_usd(usd)}" if usd else "")


def _attempt(index: int, attempt: UnitAttempt) -> str:
    rated = "" if attempt.rating is None else f", rated {attempt.rating:g} of 5"
    which = f"session {index}: {one_line(attempt.unit) or 'the root'}, attempt {attempt.number}"
    if attempt.accepted:
        return f"{GOOD} {which}: passed{rated}"
    return f"{BAD} {which}: {gist(attempt.reason)}"


def _session(session: Session, cost: str) -> str:
    how = descent(session.selection.operator, session.selection.designs)
    if session.end is SessionEnd.ACCEPTED:
        return f"{GOOD} new design {session.design}, {how} ({duration(session.seconds)}{cost})"
    end = session.end.value.replace("_", " ")
    if session.selection.operator is Operator.SCRATCH:
        how = "a design from scratch"
    said = f"{BAD} session {session.index}, {how}: {end}{cost}. {one_line(session.note, 160)}"
    return said.rstrip()


def _verification(report: VerificationReport, place: str) -> str:
    head = f"{report.design} at {report.scale}"
    if report.outcome is not Outcome.OK:
        return f"{BAD} {head} {blame(report.outcome)}: {gist(report.error)}"
    parts = [place, f"{count(report.tokens_per_second)} tokens/s", duration(report.seconds)]
    score = "" if report.fitness is None else f": accuracy {report.fitness:.3f}"
    return f"{GOOD} {head}{score}, {', '.join(filter(None, parts))}"
