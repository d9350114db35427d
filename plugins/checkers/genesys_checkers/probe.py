"""Compares what a block makes of inputs that differ only in what must not matter.

Inputs are drawn and outputs compared here, outside the guests that run the block. One guest sees
the original inputs, another those with replaced parts: neither can answer from memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from genesys.records import ErrorKind, Record
from genesys_checkers.block import Block
from genesys_checkers.faults import Fault
from genesys_checkers.leaks import Leak
from genesys_checkers.rounding import Precision, Sizes, changes, roughness
from genesys_checkers.trials import Series, Trial

Array = np.ndarray[Any, Any]
Originals = list[list[Array]]
# In which inputs are shifted to see what rounds.
DIRECTIONS = 3


class Shape(Record):
    """D and number of blocks of the models."""

    width: Annotated[int, Field(ge=2)]
    blocks: Annotated[int, Field(ge=1)]


def record(block: Block, schedule: Sequence[Series], shape: Shape) -> Originals:
    """What a block makes of the original inputs, trial by trial.

    Raises:
        Fault: It cannot be run.
    """
    outputs: Originals = []
    for series in schedule:
        outputs.append([])
        try:
            _build(block, series, shape)
            for trial in series.trials:
                X = trial.original(series.precision, series.wider * shape.width)
                Y = block.forward(X, trial.training, forget=True, grad=trial.grad)
                if trial.is_plain:
                    _require_values(Y, series.precision.dtype)
                outputs[-1].append(Y)
        except Fault as fault:
            if not series.may_fail or fault.kind in {ErrorKind.TIMEOUT, ErrorKind.CRASH}:
                raise
            if fault.kind is ErrorKind.MEMORY:  # the guest is gone
                break
    return outputs


def compare(block: Block, schedule: Sequence[Series], outputs: Originals, shape: Shape) -> None:
    """Run the replaced inputs and compare what comes out with the original outputs.

    Raises:
        Fault: Something moved that must not.
    """
    for series, Ys in zip(schedule, outputs, strict=False):
        if Ys:
            _build(block, series, shape)
        for trial, Y in zip(series.trials, Ys, strict=False):
            X = trial.original(series.precision, series.wider * shape.width)
            for X2, cuts in trial.replaced(X, series.precision):
                _Comparison(block, series.precision, trial, X, Y, X2, cuts).judge()


def _require_values(Y: Array, dtype: str) -> None:
    if np.isfinite(Y).mean() < 0.5:
        raise Fault(
            f"Most of Y is NaN or infinity for noise of shape {Y.shape} in {dtype}, so that its "
            "causality cannot be judged.",
            hint="Keep sums, exponentials and divisions within bounds.",
            kind=ErrorKind.NOT_FINITE,
        )


def _build(block: Block, series: Series, shape: Shape) -> None:
    blocks = max(1, shape.blocks + series.more_blocks)
    width = series.wider * shape.width
    block.build(width, blocks, series.precision.dtype, series.open_gates)


@dataclass(frozen=True)
class _Comparison:
    """An input with output Y, and the same input with parts replaced.

    ``cuts`` are the positions of each row before which nothing was.
    """

    block: Block
    precision: Precision
    trial: Trial
    X: Array
    Y: Array
    X2: Array
    cuts: Array

    def judge(self) -> None:
        """Raise a :class:`Fault` if an output before the cuts moved by more than rounding."""
        Y2 = self._run(self.X2)
        if not ((Y2 != self.Y) & self._early).any():
            return
        moved = self._changes(Y2, self.trial.is_plain)
        sizes = Sizes.of(self.Y, self._early, self.precision)
        leaking = sizes.suspicious(moved)
        if not leaking.any():
            return
        again = self._changes(self._run(self.X), True)
        ratio = np.maximum(1.0, self.trial.future / self.trial.past)[:, None, None]
        certain = self.precision.certain * ratio * sizes.position
        if (again > certain).any():
            raise Fault(
                "Two runs of one input with one seed differ, so its causality cannot be judged.",
                hint="Draw random numbers with torch only, and keep no state between calls.",
                kind=ErrorKind.NONDETERMINISTIC,
            )
        if not (self.trial.is_plain and (moved > certain).any()):
            # Of both inputs: the larger one rounds more, and may be either.
            rough = np.maximum(self._roughness(self.X, self.Y), self._roughness(self.X2, Y2))
            rounding = np.maximum(again, self._early * rough) / sizes.expected
            largest = rounding.max((1, 2), keepdims=True)
            leaking &= moved > self.precision.factor * largest * sizes.expected
        if leaking.any():
            self._accuse(Leak.of(moved / sizes.position, leaking, self.cuts))

    def _run(self, X: Array) -> Array:
        trial = self.trial
        return self.block.forward(X, trial.training, forget=True, grad=trial.grad)

    @property
    def _early(self) -> Array:
        return (np.arange(self.trial.length) < self.cuts[:, None])[..., None]

    def _changes(self, Y2: Array, count_infinite: bool) -> Array:
        return changes(self.Y, Y2, self._early, count_infinite)

    def _roughness(self, X: Array, Y: Array) -> Array:
        # Small inputs meet weights of usual size, which a smaller step would not change.
        size, noise = self.precision.step * np.maximum(np.abs(X), 1.0), np.random.default_rng(2)
        found = np.zeros(Y.shape)
        for _ in range(DIRECTIONS):  # along one, rounding may be small by chance
            step = size * noise.choice([-1.0, 1.0], size=X.shape)
            Y1, Y2 = (self._run((X + n * step).astype(X.dtype)) for n in (1, 2))
            found = np.maximum(found, roughness(Y, Y1, Y2))
        return found

    def _accuse(self, leak: Leak) -> None:
        """Raise a :class:`Fault`; unit and cause are hints, for which the guest is believed."""
        tolerance = min(leak.size, 1.0) / 100
        dtype = self.precision.dtype
        mode = {"training": self.trial.training, "grad": self.trial.grad}
        try:
            unit = self.block.blame(self.X, self.X2, leak.row, leak.cut, tolerance, **mode).unit
            # In a single block a pattern is not yet blurred by the next.
            self.block.build(self.X.shape[2], 1, dtype, open_gates=True)
            moved = changes(self._run(self.X), self._run(self.X2), self._early, True)
        except Fault:
            raise leak.fault("", self.trial, dtype) from None
        alone = moved > tolerance * np.abs(self.Y).max()
        raise leak.of_one_block(alone).fault(unit, self.trial, dtype)
