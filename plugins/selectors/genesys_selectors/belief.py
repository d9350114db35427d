"""What is believed of a value that is a sum of what the parts of a thing bring to it."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

# Words are told apart by hashes of so many values.
WIDTH = 128
# Variance of a measured value around the sum, where that of the sum is 1.
NOISE = 0.3


def row(words: Iterable[str]) -> np.ndarray:
    """The words of a thing as a unit vector, (WIDTH,); the same in every process."""
    counts = np.zeros(WIDTH)
    for word in words:
        counts[zlib.crc32(word.encode()) % WIDTH] += 1
    length = float(np.linalg.norm(counts))
    return counts / length if length else counts


@dataclass(frozen=True)
class Belief:
    """Bayesian linear regression over words: a normal distribution of what each brings.

    Attributes:
        mean: (WIDTH,) in deviations of the value.
        covariance: (WIDTH, WIDTH) in their squares.
        centre: Mean of the value.
        spread: Its deviation.
    """

    mean: np.ndarray
    covariance: np.ndarray
    centre: float
    spread: float

    @classmethod
    def of(cls, rows: np.ndarray, values: np.ndarray) -> Belief:
        """What things and their values teach.

        Args:
            rows: (n, WIDTH) of the things.
            values: (n,).
        """
        centre, spread = float(values.mean()), float(values.std()) or 1.0
        covariance = np.linalg.inv(rows.T @ rows / NOISE + np.eye(WIDTH))
        mean = covariance @ (rows.T @ (values - centre)) / (NOISE * spread)
        return cls(mean, covariance, centre, spread)

    def foretell(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and deviation of the values of things, two arrays of (n,)."""
        variance = np.sum(rows @ self.covariance * rows, axis=1)
        return self.centre + self.spread * (rows @ self.mean), self.spread * np.sqrt(variance)

    def draw(self, rows: np.ndarray, doubt: float, rng: np.random.Generator) -> np.ndarray:
        """Values of things in one world that is believed possible, (n,).

        Args:
            rows: (n, WIDTH) of the things.
            doubt: How far that world lies from the mean, in deviations.
            rng: Of the draw.
        """
        off = np.linalg.cholesky(self.covariance) @ rng.standard_normal(WIDTH)
        world: np.ndarray = rows @ (self.mean + doubt * off)
        return self.centre + self.spread * world
