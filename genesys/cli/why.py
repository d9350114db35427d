"""The part of ``genesys show`` that says why a design is here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from genesys.cli.aims import Aims
from genesys.cli.leaderboard import descent
from genesys.cli.text import duration, gist
from genesys.evolution.provenance import Attempt, Provenance, Step, provenance
from genesys.population.ledger import Ledger
from genesys.population.population import Population
from genesys.records import Design
from genesys.text import one_line

NO_LEDGER = (
    "The run has no ledger of it: reasons and failed attempts that the tree does not have are "
    "missing."
)


def why_here(run: Path, population: Population, name: str) -> Provenance | None:
    """Why a design of a run is here; None where the folder holds no whole run.

    Raises:
        StoreError: The ledger cannot be read.
        UnknownNameError: There is no such design.
    """
    aims = Aims.read(run)
    if aims is None:
        return None
    return provenance(population, Ledger.read(run), aims.ladder, name)


def section(population: Population, design: Design, why: Provenance) -> RenderableType:
    """What a person reads."""
    parts: list[RenderableType] = [*_made(population, design, why)]
    for step in why.verified:
        parts += _step(f"verification at {step.scale}", step)
        if (fitness := population.fitness(design.name, step.scale)) is not None:
            parts.append(_indented(f"fitness {fitness:.3f}"))
    if why.ahead:
        parts.append(Text(one_line(why.ahead, 400)))
    if not why.ledger:
        parts.append(Text(NO_LEDGER, "dim"))
    return Group(*parts)


def _made(population: Population, design: Design, why: Provenance) -> Iterator[RenderableType]:
    if why.made is None:
        yield Text("a seed: the run started from it")
        return
    how = descent(design.operator, design.parents)
    yield from _step(f"session {why.made.session}, {how}", why.made)
    selection = population.sessions[why.made.session or 0].selection
    facts = [f"shown besides: {', '.join(selection.references)}"] if selection.references else []
    if design.review:
        facts.append(f"the proposal was rated {design.review.rating:.3g} of 5")
    if design.check:
        passed = sum(result.passed for result in design.check.results)
        repairs = len(design.check.repairs)
        repaired = f" after {repairs} repair{'s' * (repairs != 1)}" if repairs else ""
        facts.append(f"{passed} check{'s' * (passed != 1)} passed{repaired}")
    if why.before:
        ends = Counter(end.replace("_", " ") for end in why.before)
        told = ", ".join(f"{times} × {end}" if times > 1 else end for end, times in ends.items())
        facts.append(f"sessions with these parents before: {told}")
    for fact in facts:
        yield _indented(fact)


def _step(what: str, step: Step) -> Iterator[RenderableType]:
    job = "" if step.job is None else f" (job {step.job})"
    because = f": {one_line(step.why, 400)}" if step.why else ""
    yield Text.assemble((one_line(what, 200), "bold"), (job, "dim"), because)
    for attempt in step.attempts:
        yield _indented(_attempt(attempt))
    if not step.attempts:
        yield _indented("under way")


def _indented(text: str) -> RenderableType:
    return Padding(Text(one_line(text, 400)), (0, 0, 0, 2))


def _attempt(attempt: Attempt) -> str:
    by = f" by {one_line(attempt.worker, 64)}" if attempt.worker else ""
    why = f": {gist(attempt.why)}" if attempt.why else ""
    return f"{attempt.outcome.replace('_', ' ')}{by} after {duration(attempt.seconds)}{why}"
