"""What of a change is rounding, and what is more than that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
TINY = 1e-300


@dataclass(frozen=True)
class Precision:
    """How finely a block is probed in a dtype.

    Attributes:
        dtype: Of the model.
        carrier: Of the arrays that go in and out.
        rounding: Relative error of one operation.
        tolerance: Least relative change that is looked at.
        certain: Relative change that no rounding explains.
        smallest: Positions and channels smaller than this share of the largest count as so large.
        step: Change of inputs by which rounding is measured.
        factor: By which a change must exceed the rounding that is measured.
    """

    dtype: str
    carrier: type[np.float64] | type[np.float32]
    rounding: float
    tolerance: float
    certain: float
    smallest: float
    step: float
    factor: float


DOUBLE = Precision("float64", np.float64, 2.2e-16, 1e-9, 1e-3, 1e-6, 1e-7, 10)
SINGLE = Precision("float32", np.float32, 1.2e-7, 1e-5, 1e-2, 1e-2, 2e-6, 10)
HALF = Precision("bfloat16", np.float32, 7.8e-3, 5e-2, 1.0, 3e-1, 2e-2, 3)


@dataclass(frozen=True)
class Sizes:
    """How large outputs of shape (B, L, D) are, so that changes can be called small.

    Attributes:
        position: The largest output at a position, of shape (B, L, 1).
        expected: What is to be expected of a channel at a position, of shape (B, L, D): a leak in
            a small channel is not to hide beside a large one.
        precision: Of the model.
    """

    position: Array
    expected: Array
    precision: Precision

    @classmethod
    def of(cls, Y: Array, looked_at: Array, precision: Precision) -> Sizes:
        """The sizes of Y where it is looked at; what is not finite has none."""
        size = np.where(looked_at & np.isfinite(Y), np.abs(Y), 0.0).astype(np.float64)
        largest = np.maximum(size.max((1, 2), keepdims=True), TINY)
        position = np.maximum(size.max(2, keepdims=True), precision.smallest * largest)
        channel = np.maximum(size.max(1, keepdims=True) / largest, precision.smallest)
        return cls(position, position * channel, precision)

    def suspicious(self, moved: Array) -> Array:
        """Where a change is more than the least that is looked at."""
        least = self.precision.tolerance * self.expected
        found: Array = moved > np.maximum(least, self.precision.rounding * self.position)
        return found


def changes(Y: Array, Y2: Array, looked_at: Array, count_infinite: bool) -> Array:
    """Absolute changes where they are looked at and Y is finite.

    ``count_infinite`` says whether what is no longer finite counts as an infinite change.
    """
    with np.errstate(all="ignore"):
        moved: Array = np.abs(Y2.astype(np.float64) - Y)
    lost = np.inf if count_infinite else 0.0
    moved = np.where(np.isfinite(Y2), moved, lost)
    return np.where(looked_at & np.isfinite(Y), moved, 0.0)


def roughness(Y: Array, Y1: Array, Y2: Array) -> Array:
    """The rounding in outputs for an input, one a small step away and one two steps away.

    What is smooth cancels; what a block rounds by computing in lower precision does not.
    """
    with np.errstate(all="ignore"):
        rough: Array = np.abs(Y2.astype(np.float64) - 2 * Y1.astype(np.float64) + Y)
    return np.nan_to_num(rough, nan=0.0, posinf=0.0)
