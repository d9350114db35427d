"""Describes a leak so that it can be mended: where it is, and what usually makes one like it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from genesys.records import ErrorKind
from genesys_checkers.causes import likely_cause
from genesys_checkers.faults import Fault
from genesys_checkers.trials import Trial

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Leak:
    """An output that moved, and all that moved with it.

    Attributes:
        row: In the batch.
        cut: The first position that was replaced; L when other rows were.
        position: The first position that moved.
        size: By how much, in its largest output.
        moved: What moved, of shape (B, L, D).
        cuts: The cut of each row.
    """

    row: int
    cut: int
    position: int
    size: float
    moved: Array
    cuts: Array

    @classmethod
    def of(cls, size: Array, moved: Array, cuts: Array) -> Leak:
        """The leak of the row that shows it most.

        Args:
            size: Relative changes, of shape (B, L, D).
            moved: Where they are more than rounding.
            cuts: The cut of each row.
        """
        seen = np.where(moved, size, 0.0)
        row = int(seen.max((1, 2)).argmax())
        position = int(moved[row].any(-1).argmax())
        largest = float(seen[row, position].max())
        return cls(row, int(cuts[row]), position, largest, moved, cuts)

    def of_one_block(self, moved: Array) -> Leak:
        """The same with what moves in a model of one block, if anything does."""
        return replace(self, moved=moved) if moved.any() else self

    def fault(self, unit: str, trial: Trial, dtype: str) -> Fault:
        """What the checker says of it."""
        mode = "training" if trial.training else "evaluation"
        size = "to NaN or infinity" if np.isinf(self.size) else f"by {self.size:.1g} of its size"
        seen = f"B = {trial.rows}, L = {trial.length}, {dtype}, {mode} mode"
        if not trial.cuts:
            return Fault(
                f"The output of a row changes when other rows of the batch are replaced ({size}; "
                f"{seen}).",
                unit,
                "Compute each row of the batch by itself: no mean, norm, sort or shift along the "
                "first axis.",
                kind=ErrorKind.BATCH,
            )
        past, future = trial.past[self.row], trial.future[self.row]
        if (past, future) != (1.0, 1.0):
            seen += f", inputs of magnitude {past:g} before and {future:g} after"
        return Fault(
            f"The output at position {self.position} changes when positions from {self.cut} on "
            f"are replaced ({size}{self._channels()}; {seen}).",
            unit,
            likely_cause(np.any(self.moved, -1), self.cuts),
            kind=ErrorKind.CAUSALITY,
        )

    def _channels(self) -> str:
        """Which channels moved, if it is one stretch of few."""
        width = self.moved.shape[-1]
        channels = np.flatnonzero(self.moved.any((0, 1)))
        first, last = int(channels[0]), int(channels[-1])
        if len(channels) > width // 2 or len(channels) <= last - first:
            return ""
        return f", only in channels {first} to {last} of {width}"
