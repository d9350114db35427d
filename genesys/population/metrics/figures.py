"""All figures of a population in three tables, for people and for other programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields

import pyarrow as pa

from genesys.population.metrics.benchmarks import task_statistics
from genesys.population.metrics.progress import SIZE, STEP, generations, progress
from genesys.population.metrics.tables import Tables
from genesys.population.metrics.trees import ancestry, tree_statistics
from genesys.population.metrics.units import (
    Predictability,
    UnitStatistics,
    predictability,
    unit_statistics,
)

FIGURES = pa.schema({"group": pa.string(), "figure": pa.string(), "value": pa.float64()})
Row = tuple[str, str, float | None]


@dataclass(frozen=True)
class Figures:
    """What there is to say of a population.

    Attributes:
        figures: One row a figure: its group, its name and its value (null if there is none).
        tasks: The statistics of each task (table 16), those that spread most first.
        units: How many designs have each unit, the commonest first.
    """

    figures: pa.Table
    tasks: pa.Table
    units: pa.Table

    @classmethod
    def of(cls, tables: Tables, size: int = SIZE, step: int = STEP) -> Figures:
        """Those of a population.

        Args:
            tables: Of its designs and scores.
            size: Designs in a generation.
            step: Designs between the beginnings of two generations.

        Raises:
            ValueError: ``size`` or ``step`` is not positive.
        """
        units = unit_statistics(tables.designs)
        rows = [
            *_progress(tables, size, step),
            *_sessions(tables),
            *_errors(tables),
            *_tree(tables),
            *(_units(tables, units) if units else ()),
        ]
        tasks = [
            {**asdict(one), "selected": one.selected} for one in task_statistics(tables.scores)
        ]
        uses = units.uses if units else {}
        return cls(
            pa.table([list(column) for column in zip(*rows, strict=True)], schema=FIGURES),
            pa.Table.from_pylist(tasks),
            pa.table({"unit": list(uses), "designs": list(uses.values())}),
        )


def _progress(tables: Tables, size: int, step: int) -> Iterator[Row]:
    means = generations(tables.designs, size, step)
    yield "progress", "generations", len(means)
    found = progress(means)
    for name in ("end", "peak", "volatility", "sharpe", "drawdown"):
        yield "progress", name, getattr(found, name, None)


def _sessions(tables: Tables) -> Iterator[Row]:
    """How many were held, and the share of each end (app. E.1.1)."""
    ends = Counter(tables.sessions["end"].to_pylist())
    if ends:
        yield "sessions", "held", ends.total()
    for end, held in ends.most_common():
        yield "sessions", str(end).replace("_", " "), held / ends.total()


def _errors(tables: Tables) -> Iterator[Row]:
    tried = [
        row["erroneous"]
        for row in tables.designs.to_pylist()
        if not row["seed"] and (row["erroneous"] or row["fitness"] is not None)
    ]
    known = [erroneous for erroneous in tried if erroneous is not None]
    yield "errors", "in verification", sum(known) / len(known) if known else None


def _tree(tables: Tables) -> Iterator[Row]:
    graph = ancestry(tables.designs)
    if not graph:
        return
    found = tree_statistics(graph)
    for field in fields(found):
        yield "tree", field.name.replace("_", " "), getattr(found, field.name)


def _units(tables: Tables, found: UnitStatistics) -> Iterator[Row]:
    yield "units", "per design", found.per_design
    yield "units", "different", len(found.uses)
    yield "units", "reuse", found.reuse
    known = [
        row for row in tables.designs.to_pylist() if row["units"] and row["fitness"] is not None
    ]
    told = predictability([row["units"] for row in known], [row["fitness"] for row in known])
    yield from _predictability("fitness from units", told)


def _predictability(group: str, found: Predictability | None) -> Iterator[Row]:
    for field in fields(Predictability):
        if field.name != "support":
            yield group, field.name.replace("_", " "), getattr(found, field.name, None)
