"""Groups of runs, and their figures with what chance does to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev

import pyarrow as pa

from genesys.errors import StoreError
from genesys.population.comparison.groups import check_keys, keys_apart, label
from genesys.population.comparison.runs import LeftOut, Run, read_run
from genesys.population.metrics.progress import SIZE, STEP
from genesys.population.run_file import FILE
from genesys.population.uncertainty import CONFIDENCE

# In the order of table 2, with table 3's last.
METRICS = ("end", "peak", "sharpe", "volatility", "best", "drawdown", "errors")
RUNS = pa.schema(
    {
        "group": pa.string(),
        "folder": pa.string(),
        "seed": pa.int64(),
        "designs": pa.int64(),
        "generations": pa.int64(),
        "simulated": pa.bool_(),
        **{metric: pa.float64() for metric in METRICS},
    }
)
GROUPS = pa.schema(
    {
        "group": pa.string(),
        "metric": pa.string(),
        "mean": pa.float64(),
        "low": pa.float64(),  # ends of the interval; null for fewer than two runs
        "high": pa.float64(),
        "runs": pa.int64(),  # that have a value
        "simulated": pa.bool_(),
    }
)
GENERATIONS = pa.schema(
    {
        "group": pa.string(),
        "folder": pa.string(),
        "generation": pa.int64(),  # from 0
        "first": pa.int64(),  # verified designs before it
        "mean": pa.float64(),
        "least": pa.float64(),
        "most": pa.float64(),
    }
)
LEFT_OUT = pa.schema({"folder": pa.string(), "reason": pa.string()})


@dataclass(frozen=True)
class Estimate:
    """A figure of runs that differ in their seed.

    Attributes:
        mean: Over the runs.
        margin: Half the width of the interval that holds the true mean in 95 of 100 cases, by
            Student's t; None for a single run.
        runs: That have a value.
    """

    mean: float
    margin: float | None
    runs: int

    @property
    def low(self) -> float | None:
        """The lower end of that interval."""
        return None if self.margin is None else self.mean - self.margin

    @property
    def high(self) -> float | None:
        """The upper end of that interval."""
        return None if self.margin is None else self.mean + self.margin

    @classmethod
    def of(cls, values: Sequence[float]) -> Estimate | None:
        """Of these values; None without any."""
        if not values:
            return None
        if len(values) < 2:
            return cls(values[0], None, 1)
        from scipy.stats import t

        quantile = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1))
        return cls(fmean(values), quantile * stdev(values) / sqrt(len(values)), len(values))


@dataclass(frozen=True)
class Group:
    """Runs that differ in their seed only, or in nothing that is asked for.

    Attributes:
        label: What tells them from the others.
        runs: By their seeds.
    """

    label: str
    runs: tuple[Run, ...]

    @property
    def simulated(self) -> bool:
        """Whether a verification of one of them trained nothing."""
        return any(run.simulated for run in self.runs)

    @property
    def generations(self) -> int:
        """As many as each run has."""
        return min(len(run.windows) for run in self.runs)

    def estimate(self, metric: str) -> Estimate | None:
        """One of ``METRICS``; None if no run has a value."""
        values = [figure(run, metric) for run in self.runs]
        return Estimate.of([value for value in values if value is not None])


@dataclass(frozen=True)
class Comparison:
    """Groups of runs beside each other.

    Attributes:
        groups: By their labels, in the order in which runs are found.
        left_out: Runs that could not be compared.
        size: Designs in a generation.
        step: Designs between the beginnings of two generations.
    """

    groups: tuple[Group, ...]
    left_out: tuple[LeftOut, ...]
    size: int
    step: int

    @property
    def simulated(self) -> bool:
        """Whether any of it is a simulation."""
        return any(group.simulated for group in self.groups)

    def tables(self) -> dict[str, pa.Table]:
        """Everything as tables: ``groups``, ``runs``, ``generations`` and ``left_out``."""
        return {
            "groups": pa.Table.from_pylist(list(self._estimates()), schema=GROUPS),
            "runs": pa.Table.from_pylist(list(self._runs()), schema=RUNS),
            "generations": pa.Table.from_pylist(list(self._generations()), schema=GENERATIONS),
            "left_out": pa.Table.from_pylist([vars(one) for one in self.left_out], LEFT_OUT),
        }

    def _estimates(self) -> Iterator[dict[str, object]]:
        for group in self.groups:
            for metric in METRICS:
                found = group.estimate(metric)
                yield {
                    "group": group.label,
                    "metric": metric,
                    "mean": found and found.mean,
                    "low": None if not found or found.margin is None else found.mean - found.margin,
                    "high": None
                    if not found or found.margin is None
                    else found.mean + found.margin,
                    "runs": found.runs if found else 0,
                    "simulated": group.simulated,
                }

    def _runs(self) -> Iterator[dict[str, object]]:
        for group in self.groups:
            for run in group.runs:
                yield {
                    "group": group.label,
                    "folder": run.folder,
                    "seed": run.seed,
                    "designs": run.designs,
                    "generations": len(run.windows),
                    "simulated": run.simulated,
                    **{metric: figure(run, metric) for metric in METRICS},
                }

    def _generations(self) -> Iterator[dict[str, object]]:
        for group in self.groups:
            for run in group.runs:
                for place, window in enumerate(run.windows):
                    yield {
                        "group": group.label,
                        "folder": run.folder,
                        "generation": place,
                        "first": place * self.step,
                        "mean": fmean(window),
                        "least": min(window),
                        "most": max(window),
                    }


def compare(
    folder: Path,
    by: Sequence[str] = (),
    size: int = SIZE,
    step: int = STEP,
    designs: int | None = None,
) -> Comparison:
    """Compare the runs below a folder.

    Args:
        folder: E.g. of a multirun.
        by: Groups of the config or dotted keys that tell runs apart; those that differ when none
            is given. The seed never does.
        size: Designs in a generation.
        step: Designs between the beginnings of two generations.
        designs: Only so many verified designs of a run count, the first; None for all. Runs with
            fewer are left out.

    Raises:
        StoreError: There is no run below the folder.
        UnknownNameError: No run has such a key.
        ValueError: ``size`` or ``step`` is not positive.
    """
    folders = sorted(path.parent for path in folder.rglob(FILE))
    if not folders:
        raise StoreError(f"There is no run below {folder}.")
    names = [str(one.relative_to(folder)) if one != folder else one.name for one in folders]
    read = [
        read_run(one, name, size, step, designs) for one, name in zip(folders, names, strict=True)
    ]
    runs = [one for one in read if isinstance(one, Run)]
    settings = [run.settings for run in runs]
    if runs:
        check_keys(by, settings)
    keys = list(by) or keys_apart(settings, [run.seed for run in runs])
    grouped: dict[str, list[Run]] = {}
    for run in runs:
        grouped.setdefault(label(run.settings, keys), []).append(run)
    groups = [Group(name, tuple(sorted(g, key=lambda r: r.seed))) for name, g in grouped.items()]
    left_out = tuple(one for one in read if isinstance(one, LeftOut))
    return Comparison(tuple(groups), left_out, size, step)


def figure(run: Run, metric: str) -> float | None:
    """One of ``METRICS`` of a run, in the unit of fitness where it has one."""
    told = run.progress
    found: dict[str, float | None] = {
        "end": told.end,
        "peak": told.peak,
        "sharpe": told.sharpe,
        "volatility": told.volatility,
        "best": max(told.generations),
        "drawdown": told.drawdown,
        "errors": run.errors,
    }
    return found[metric]
