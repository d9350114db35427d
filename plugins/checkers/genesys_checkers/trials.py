"""Inputs that differ only in what an output must not depend on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from genesys_checkers.rounding import Precision

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Trial:
    """Everything from a cut on is replaced, with a cut for each row.

    Attributes:
        length: L.
        cuts: First positions that are replaced; with none, all rows but one are replaced instead.
        rows: B; there are as many runs as the cuts need.
        training: Mode of the model.
        scales: Magnitudes of the input and of what replaces its end, for one row after another.
        alphabet: Of how many vectors inputs are made, like text of tokens; 0 for noise.
        grad: Whether gradients are recorded, as in training.
    """

    length: int
    cuts: tuple[int, ...] = ()
    rows: int = 4
    training: bool = True
    scales: tuple[tuple[float, float], ...] = ((1.0, 1.0),)
    alphabet: int = 0
    grad: bool = False

    @property
    def past(self) -> Array:
        """Magnitude of each row."""
        return np.resize(np.array(self.scales), (self.rows, 2))[:, 0]

    @property
    def future(self) -> Array:
        """Magnitude of what replaces the end of each row."""
        return np.resize(np.array(self.scales), (self.rows, 2))[:, 1]

    @property
    def is_plain(self) -> bool:
        """Whether all values are of the size that blocks are made for."""
        return bool(max(self.past.max(), self.future.max()) <= 1.0)

    def original(self, precision: Precision, width: int) -> Array:
        """The input, always the same, of shape (B, L, D)."""
        return self._draw(np.random.default_rng(0), self.past, precision, width)

    def replaced(self, X: Array, precision: Precision) -> Iterator[tuple[Array, Array]]:
        """Inputs of X's shape, each with the position of each row before which all is as in X."""
        noise = np.random.default_rng(1)
        for cuts in self._cuts():
            fresh = self._draw(noise, self.future, precision, X.shape[2])
            later = np.arange(self.length) >= cuts[:, None]
            yield np.where(later[..., None], fresh, X), cuts

    def _cuts(self) -> Iterator[Array]:
        if not self.cuts:
            yield from np.diag([self.length] * self.rows)
        for start in range(0, len(self.cuts), self.rows):
            cuts = self.cuts[start : start + self.rows]
            yield np.array(cuts + cuts[-1:] * (self.rows - len(cuts)))

    def _draw(
        self, noise: np.random.Generator, scale: Array, precision: Precision, width: int
    ) -> Array:
        shape = (self.rows, self.length)
        if self.alphabet:
            vectors = noise.standard_normal((self.alphabet, width), dtype=precision.carrier)
            drawn: Array = vectors[noise.integers(self.alphabet, size=shape)]
        else:
            drawn = noise.standard_normal((*shape, width), dtype=precision.carrier)
        scaled: Array = drawn * scale.astype(precision.carrier)[:, None, None]
        return scaled


@dataclass(frozen=True)
class Series:
    """Trials of one model.

    Attributes:
        precision: Of the model.
        trials: What is tried with it.
        open_gates: Whether the model's gates are opened and its weights shaken.
        more_blocks: How many blocks it has beyond the usual; negative for fewer.
        wider: How many times the usual width it has.
        may_fail: Whether a block need not manage these inputs.
    """

    precision: Precision
    trials: tuple[Trial, ...]
    open_gates: bool = False
    more_blocks: int = 0
    wider: int = 1
    may_fail: bool = False
