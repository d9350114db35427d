"""What usually makes a leak, by the positions that move at each cut: hints for who mends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
# A cut, and the positions before it that moved.
Row = tuple[int, Array]
NEAR = 8


def likely_cause(moved: Array, cuts: Array) -> str:
    """What to look for; empty when there is no pattern.

    Args:
        moved: Which positions moved, of shape (B, L).
        cuts: The first position that was replaced in each row.
    """
    length = moved.shape[1]
    every = [(int(cut), np.flatnonzero(row)) for cut, row in zip(cuts, moved, strict=True)]
    rows = [(cut, positions) for cut, positions in every if len(positions)]
    still = [cut for cut, positions in every if not len(positions)]
    if all(cut == 1 for cut, _ in rows):
        return ""  # that could be anything
    return _next_only(rows) or _whole(rows, length) or _near(rows) or _chunks(rows, still, length)


def _next_only(rows: Sequence[Row]) -> str:
    if _ahead(rows) > 1:
        return ""
    return (
        "A position sees the next one: look for a mask or a shift that is off by one, and compare "
        "positions i >= j, not i >= j - 1."
    )


def _whole(rows: Sequence[Row], length: int) -> str:
    if all(len(positions) == cut for cut, positions in rows):
        return (
            "All earlier positions change: look for a mean, norm, maximum, softmax or sort over "
            "the time axis, a missing mask, or a Fourier transform that is not padded to 2 L."
        )
    if all(len(positions) == min(cut, length - cut) > positions[-1] for cut, positions in rows):
        return "Early positions see late ones: look for a flip of the time axis."
    if all(positions[-1] == 0 for _, positions in rows):
        return "Only the first position changes: look for a shift that wraps around."
    return ""


def _near(rows: Sequence[Row]) -> str:
    ahead = _ahead(rows)
    if ahead > NEAR:
        return ""
    return f"Positions see up to {ahead} ahead: pad convolutions and windows on the left only."


def _chunks(rows: Sequence[Row], still: Sequence[int], length: int) -> str:
    for chunk in range(NEAR, length // 2 + 1):
        inside = all(cut - positions[0] <= cut % chunk for cut, positions in rows)
        if inside and all(cut % chunk == 0 for cut in still):
            return (
                f"The change stays within chunks of {chunk}: mask what a chunk computes of itself, "
                "and let it read the state from before the chunk, not from its end."
            )
    return ""


def _ahead(rows: Sequence[Row]) -> int:
    """How far ahead a position sees, as far as it shows."""
    return max(cut - int(positions[0]) for cut, positions in rows)
