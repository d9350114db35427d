"""The tables that metrics are computed from, whatever system has made the designs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from genesys.population.population import Population
from genesys.records import Design, Operator, Outcome

DESIGNS = pa.schema(
    {
        "name": pa.string(),
        "seed": pa.bool_(),
        "parents": pa.list_(pa.string()),
        "units": pa.list_(pa.string()),  # names
        "reused": pa.list_(pa.string()),  # those of them that earlier designs have, too
        "fitness": pa.float64(),
        "rating": pa.float64(),  # of the proposal, 0 to 5
        "usd": pa.float64(),
        "erroneous": pa.bool_(),  # whether a verification failed by the design's fault
    }
)
SCORES = pa.schema(
    {
        "design": pa.string(),
        "scale": pa.string(),
        "task": pa.string(),
        "value": pa.float64(),  # 0 to 1
        "chance": pa.float64(),
        "items": pa.int64(),
    }
)
SESSIONS = pa.schema({"operator": pa.string(), "end": pa.string(), "seconds": pa.float64()})


@dataclass(frozen=True)
class Tables:
    """A population as tables.

    Attributes:
        designs: By the schema ``DESIGNS``, in the order in which they were made.
        scores: By the schema ``SCORES``: one row for each design, scale and task.
        sessions: By the schema ``SESSIONS``, in the order in which they were held.
    """

    designs: pa.Table
    scores: pa.Table
    sessions: pa.Table = field(default_factory=SESSIONS.empty_table)

    @classmethod
    def of(cls, population: Population) -> Tables:
        """Those of a run."""
        known = set[str]()
        designs = [_design(population, design, known) for design in population.designs]
        scores = [
            {
                "design": report.design,
                "scale": report.scale,
                "task": score.task,
                "value": score.value,
                "chance": score.chance,
                "items": None,
            }
            for report in population.reports
            if report.outcome is Outcome.OK
            for score in report.scores
            if score.is_accuracy
        ]
        sessions = [
            {"operator": s.selection.operator, "end": s.end, "seconds": s.seconds}
            for s in population.sessions
        ]
        return cls(table(designs, DESIGNS), table(scores, SCORES), table(sessions, SESSIONS))


def table(rows: Iterable[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows as a table; what a row lacks is null."""
    return pa.Table.from_pylist(list(rows), schema=schema)


def _design(population: Population, design: Design, known: set[str]) -> dict[str, object]:
    """A design's row; ``known`` has the code of all units so far, and is added to."""
    reused = [unit.name for unit in design.units if unit.code in known]
    known.update(unit.code for unit in design.units)
    return {
        "name": design.name,
        "seed": design.operator is Operator.SEED,
        "parents": list(design.parents),
        "units": [unit.name for unit in design.units],
        "reused": reused,
        "fitness": population.fitness(design.name),
        "rating": design.review.rating if design.review else None,
        "usd": None,
        "erroneous": population.is_erroneous(design.name),
    }
