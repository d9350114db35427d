"""How a population's fitness grows over its generations (sec. 5.1, table 2, fig. 12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import fmean, stdev

import pyarrow as pa

SIZE, STEP = 50, 25  # designs, as in the paper


@dataclass(frozen=True)
class Progress:
    """What became of the mean fitness over generations.

    Attributes:
        generations: Mean fitness of each generation, oldest first.
        end: Of the last, less the first.
        peak: Of the best, less the first.
        volatility: Standard deviation of the differences between neighbours.
        sharpe: Mean of these differences in units of their deviation; None if they are all equal.
        drawdown: Greatest fall below the best so far; zero or negative.
    """

    generations: tuple[float, ...]
    end: float
    peak: float
    volatility: float
    sharpe: float | None
    drawdown: float


def windows(designs: pa.Table, size: int = SIZE, step: int = STEP) -> list[list[float]]:
    """Fitness of each generation's designs: windows over the verified ones, in order of creation.

    Args:
        designs: By the schema ``DESIGNS``.
        size: Designs in a generation. Fewer than that are one generation.
        step: Designs between the beginnings of two generations.

    Raises:
        ValueError: ``size`` or ``step`` is not positive.
    """
    if size < 1 or step < 1:
        raise ValueError(f"size and step must be positive, got {size} and {step}")
    values = designs["fitness"].drop_null().to_pylist()
    starts = range(0, max(1, len(values) - size + 1), step)
    return [values[start : start + size] for start in starts if values]


def generations(designs: pa.Table, size: int = SIZE, step: int = STEP) -> tuple[float, ...]:
    """Mean fitness of each of the :func:`windows`."""
    return tuple(fmean(window) for window in windows(designs, size, step))


def progress(means: Sequence[float]) -> Progress | None:
    """The figures of table 2, in the unit of fitness; None for fewer than three generations."""
    if len(means) < 3:
        return None
    changes = [after - before for before, after in pairwise(means)]
    deviation = stdev(changes)
    return Progress(
        generations=tuple(means),
        end=means[-1] - means[0],
        peak=max(means) - means[0],
        volatility=deviation,
        sharpe=fmean(changes) / deviation if deviation else None,
        drawdown=min(now - best for now, best in zip(means, accumulate(means, max), strict=True)),
    )
