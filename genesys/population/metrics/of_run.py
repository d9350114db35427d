"""The tables of a run, from its population, its calls and its ledger."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from genesys.population.ledger import Entry, Ledger
from genesys.population.metrics.presence import clocked
from genesys.population.metrics.tables import (
    ATTEMPTS,
    CALLS,
    DESIGNS,
    REJECTIONS,
    SCORES,
    SESSIONS,
    VERIFICATIONS,
    Tables,
    gain,
    table,
)
from genesys.population.population import Population
from genesys.population.spending import Spending
from genesys.records import (
    Design,
    ErrorKind,
    Operator,
    Outcome,
    Session,
    Severity,
    VerificationReport,
)

# How a verifier's message says where it was, e.g. ``training, step 112: the loss is nan``.
_STAGE = re.compile(r"([a-z][a-z ]{0,40})(, [^:\n]*)?: ")


def read(folder: Path, population: Population | None = None) -> Tables:
    """The tables of a run folder, also while the run goes on.

    Args:
        folder: Of the run.
        population: Its own, if it is at hand.

    Raises:
        StoreError: The folder holds no run, or one of another version.
    """
    from genesys.population.evolution_tree import EvolutionTree

    # Sessions of calls and of the ledger may be newer than the population; it is read last.
    calls = Spending.read(folder).sums("session", "role", "model")
    entries = Ledger.read(folder)
    return of_run(population or EvolutionTree.read(folder), calls, entries)


def of_run(
    population: Population, calls: pa.Table | None = None, entries: Sequence[Entry] = ()
) -> Tables:
    """The tables of a population.

    Args:
        population: Of the run.
        calls: Their sums by session, role and model.
        entries: Of the ledger. Without any, the times of sessions and verifications are taken
            from what they say themselves, and nothing is known of workers.
    """
    made = {s.index: s.design for s in population.sessions if s.design}
    paid = _calls(calls, made) if calls else CALLS.empty_table()
    attempts, presence = clocked(entries)
    if not entries:
        attempts = table(_unwatched(population), ATTEMPTS)
    return Tables(
        designs=_designs(population, paid),
        scores=_scores(population.reports),
        verifications=table(map(_verification, population.reports), VERIFICATIONS),
        sessions=table(map(_session, population.sessions), SESSIONS),
        rejections=table(_rejections(population.sessions), REJECTIONS),
        calls=paid,
        attempts=attempts,
        presence=presence,
    )


def _designs(population: Population, calls: pa.Table) -> pa.Table:
    spent = calls.group_by("design").aggregate([("usd", "sum")]).to_pylist()
    usd = {row["design"]: row["usd_sum"] for row in spent if row["design"]}
    fits = {design.name: _by_scale(population, design.name) for design in population.designs}
    known = set[str]()
    rows = []
    for design in population.designs:
        parents = [fits[name] for name in design.parents if name in fits]
        rows.append(
            {
                "name": design.name,
                "seed": design.operator is Operator.SEED,
                "parents": list(design.parents),
                **_units(design, known),
                "fitness": population.fitness(design.name),
                "gain": gain(fits[design.name], parents),
                "rating": design.review.rating if design.review else None,
                "usd": usd.get(design.name),
                "erroneous": population.is_erroneous(design.name),
            }
        )
    return table(rows, DESIGNS)


def _units(design: Design, known: set[str]) -> dict[str, list[str]]:
    """The names of all units and of the reused ones; ``known`` has all code so far, and grows."""
    reused = [unit.name for unit in design.units if unit.code in known]
    known.update(unit.code for unit in design.units)
    return {"units": [unit.name for unit in design.units], "reused": reused}


def _by_scale(population: Population, name: str) -> dict[str, float]:
    found = {scale: population.fitness(name, scale) for scale in population.verified_scales(name)}
    return {scale: value for scale, value in found.items() if value is not None}


def _scores(reports: Iterable[VerificationReport]) -> pa.Table:
    rows = [
        (report.design, report.scale, score.task, score.value, score.chance)
        for report in reports
        if report.outcome is Outcome.OK
        for score in report.scores
        if score.is_accuracy
    ]
    if not rows:
        return SCORES.empty_table()
    # Column by column: there are many.
    return pa.table([*zip(*rows, strict=True), pa.nulls(len(rows), pa.int64())], schema=SCORES)


def _verification(report: VerificationReport) -> dict[str, Any]:
    stage = _STAGE.match(report.error)
    failed = report.outcome is not Outcome.OK
    return {
        "design": report.design,
        "scale": report.scale,
        "outcome": report.outcome.value,
        "stage": (stage[1] if stage else "other") if failed else None,
        "seconds": report.seconds,
        "simulated": report.simulated,
    }


def _session(session: Session) -> dict[str, Any]:
    return {
        "session": session.index,
        "operator": session.selection.operator.value,
        "end": session.end.value,
        "design": session.design or None,
        "seconds": session.seconds,
    }


def _rejections(sessions: Iterable[Session]) -> Iterator[dict[str, Any]]:
    for session in sessions:
        errors = (issue for issue in session.issues if issue.severity is Severity.ERROR)
        for group, error in sorted({_class(issue.kind) for issue in errors}):
            yield {"session": session.index, "group": group, "error": error}


def _class(kind: ErrorKind | None) -> tuple[str, str]:
    if kind is None:
        return "other", "other"
    return "format" if kind.of_format else "function", kind.value.replace("_", " ")


def _calls(sums: pa.Table, made: dict[int, str]) -> pa.Table:
    designs = [made.get(session) for session in sums["session"].to_pylist()]
    columns = {"design": pa.array(designs, pa.string())}
    columns |= {name: sums[name] for name in CALLS.names if name != "design"}
    return pa.table([columns[name] for name in CALLS.names], schema=CALLS)


def _unwatched(population: Population) -> Iterator[dict[str, Any]]:
    """What sessions and verifications say of their own times."""
    for session in population.sessions:
        known = {"outcome": session.end.value, "seconds": session.seconds}
        yield {"work": "session", "counts": True, **known}
    for report in population.reports:
        known = {"outcome": report.outcome.value, "seconds": report.seconds}
        counts = report.outcome is not Outcome.MACHINE_ERROR
        yield {"work": "verification", "scale": report.scale, "counts": counts, **known}
