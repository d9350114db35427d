"""All figures of a population in a few tables, for people and for other programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from statistics import fmean

import pyarrow as pa
import pyarrow.compute as pc

from genesys.population.metrics.benchmarks import TaskStatistics, task_statistics
from genesys.population.metrics.costs import costs
from genesys.population.metrics.errors import errors
from genesys.population.metrics.foretelling import foretold
from genesys.population.metrics.pipeline import as_figures, pace, pipeline
from genesys.population.metrics.progress import SIZE, STEP, progress, windows
from genesys.population.metrics.tables import Tables, table
from genesys.population.metrics.trees import ancestry, tree_statistics
from genesys.population.metrics.units import UnitStatistics, reuse_over_time, unit_statistics
from genesys.population.metrics.work import scales, workers

FIGURES = pa.schema({"group": pa.string(), "figure": pa.string(), "value": pa.float64()})
GENERATIONS = pa.schema(
    {
        "first": pa.int64(),  # place of its first design among the verified ones, from 0
        "designs": pa.int64(),
        "mean": pa.float64(),  # of their fitness
        "least": pa.float64(),
        "most": pa.float64(),
    }
)
TASKS = pa.schema(
    {
        "task": pa.string(),
        "deviation": pa.float64(),
        "mean": pa.float64(),
        "least": pa.float64(),
        "most": pa.float64(),
        "chance": pa.float64(),
        "items": pa.int64(),
        "selected": pa.bool_(),
    }
)
UNITS = pa.schema({"unit": pa.string(), "designs": pa.int64()})
Row = tuple[str, str, float | None]


@dataclass(frozen=True)
class Figures:
    """What there is to say of a population; each is a table, and none holds a NaN.

    Attributes:
        figures: One row a figure: its group, its name and its value (null if it is not known).
        generations: Fitness over generations (fig. 12).
        errors: Error rates by stage (fig. 20, table 3, figs 44 and 45).
        costs: What language models cost and what came of it (figs 40 to 43).
        workers: What each worker did.
        pace: Workers, their ratio and their utilisation over time (app. E.4.2).
        scales: What verifications took (table 19).
        tasks: The statistics of each task (table 16), those that spread most first.
        foretold: Whether units foretell fitness and tasks (tables 17 and 18).
        units: How many designs have each unit, the commonest first.
        reuse: Use and reuse of units over time (app. E.3.2).
    """

    figures: pa.Table
    generations: pa.Table
    errors: pa.Table
    costs: pa.Table
    workers: pa.Table
    pace: pa.Table
    scales: pa.Table
    tasks: pa.Table
    foretold: pa.Table
    units: pa.Table
    reuse: pa.Table

    @classmethod
    def of(cls, tables: Tables, size: int = SIZE, step: int = STEP) -> Figures:
        """Those of a population.

        Args:
            tables: Of its designs and all that is known of them.
            size: Designs in a generation.
            step: Designs between the beginnings of two generations.

        Raises:
            ValueError: ``size`` or ``step`` is not positive.
        """
        units = unit_statistics(tables.designs)
        uses = units.uses if units else {}
        return cls(
            figures=_figures(tables, size, step, units),
            generations=_generations(tables, size, step),
            errors=errors(tables),
            costs=costs(tables.calls, tables.designs),
            workers=workers(tables),
            pace=pace(tables),
            scales=scales(tables),
            tasks=table(map(_task, task_statistics(tables.scores)), TASKS),
            foretold=foretold(tables.designs, tables.scores),
            units=pa.table([list(uses), list(uses.values())], schema=UNITS),
            reuse=reuse_over_time(tables.designs, size),
        )

    def value(self, group: str, figure: str) -> float | None:
        """That of one figure; None if it is not known."""
        return self._values.get((group, figure))

    @cached_property
    def _values(self) -> dict[tuple[str, str], float | None]:
        return {(r["group"], r["figure"]): r["value"] for r in self.figures.to_pylist()}

    def items(self) -> list[tuple[str, pa.Table]]:
        """All tables with their names."""
        return [(field.name, getattr(self, field.name)) for field in fields(self)]


def _figures(tables: Tables, size: int, step: int, units: UnitStatistics | None) -> pa.Table:
    rows: Iterable[Row] = (
        *_population(tables),
        *_progress(tables, size, step),
        *_sessions(tables),
        *(("pipeline", name, value) for name, value in as_figures(pipeline(tables)).items()),
        *_tree(tables),
        *_units(units),
    )
    return pa.table([list(column) for column in zip(*rows, strict=True)], schema=FIGURES)


def _population(tables: Tables) -> Iterator[Row]:
    yield "population", "designs", tables.designs.num_rows
    yield "population", "verified", len(tables.designs["fitness"].drop_null())
    yield "population", "simulated verifications", tables.simulated
    yield "population", "USD", pc.sum(tables.calls["usd"]).as_py()


def _progress(tables: Tables, size: int, step: int) -> Iterator[Row]:
    means = [fmean(window) for window in windows(tables.designs, size, step)]
    yield "progress", "generations", len(means)
    found = progress(means)
    for name in ("end", "peak", "volatility", "sharpe", "drawdown"):
        yield "progress", name, getattr(found, name, None)


def _generations(tables: Tables, size: int, step: int) -> pa.Table:
    rows = (
        {
            "first": place * step,
            "designs": len(window),
            "mean": fmean(window),
            "least": min(window),
            "most": max(window),
        }
        for place, window in enumerate(windows(tables.designs, size, step))
    )
    return table(rows, GENERATIONS)


def _sessions(tables: Tables) -> Iterator[Row]:
    """How many were held, and the share of each end (app. E.1.1)."""
    ends = Counter(tables.sessions["end"].to_pylist())
    if ends:
        yield "sessions", "held", ends.total()
    for end, held in ends.most_common():
        yield "sessions", str(end).replace("_", " "), held / ends.total()


def _tree(tables: Tables) -> Iterator[Row]:
    graph = ancestry(tables.designs)
    if not graph:
        return
    found = tree_statistics(graph)
    for field in fields(found):
        yield "tree", field.name.replace("_", " "), getattr(found, field.name)


def _task(found: TaskStatistics) -> dict[str, object]:
    return {**asdict(found), "selected": found.selected}


def _units(found: UnitStatistics | None) -> Iterator[Row]:
    yield "units", "per design", found.per_design if found else None
    yield "units", "different", len(found.uses) if found else None
    yield "units", "reuse", found.reuse if found else None
