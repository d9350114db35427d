"""Fitness and confidence cut the population into four quadrants (fig. 10, alg. 4)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np


class Quadrant(StrEnum):
    """Where a design lies; see sec. 4.3 for who takes from where."""

    GOOD_CONFIDENT = "good & confident"
    GOOD_UNCONFIDENT = "good & unconfident"
    POOR_CONFIDENT = "poor & confident"
    POOR_UNCONFIDENT = "poor & unconfident"


@dataclass(frozen=True)
class Quadrants:
    """Where the designs of a population lie.

    Attributes:
        good: (n,) flags.
        confident: (n,) flags.
        rank: (n,) mean ranks in fitness and confidence.
        fitness: (n,).
    """

    good: np.ndarray
    confident: np.ndarray
    rank: np.ndarray
    fitness: np.ndarray

    @classmethod
    def of(
        cls,
        fitness: np.ndarray,
        confidence: np.ndarray,
        fitness_cutoff: float,
        confidence_cutoff: float,
    ) -> Quadrants:
        """Cut a population.

        Args:
            fitness: (n,) of the designs.
            confidence: (n,) of the same designs.
            fitness_cutoff: Upper part of the fitness values that counts as good, in 0..1.
            confidence_cutoff: Upper part of the confidence values that counts as confident.
        """
        fitness_rank, good = _ranked(fitness, fitness_cutoff)
        confidence_rank, sure = _ranked(confidence, confidence_cutoff)
        return cls(good, sure, (fitness_rank + confidence_rank) / 2, fitness)

    def best_first(self, quadrant: Quadrant, among: np.ndarray) -> np.ndarray:
        """Places of a quadrant's designs: by mean rank, then by fitness.

        Args:
            quadrant: Which.
            among: (n,) flags of those that are wanted.
        """
        good = quadrant in {Quadrant.GOOD_CONFIDENT, Quadrant.GOOD_UNCONFIDENT}
        sure = quadrant in {Quadrant.GOOD_CONFIDENT, Quadrant.POOR_CONFIDENT}
        there = np.flatnonzero((self.good == good) & (self.confident == sure) & among)
        return there[np.lexsort((-self.fitness[there], -self.rank[there]))]


def _ranked(values: np.ndarray, upper: float) -> tuple[np.ndarray, np.ndarray]:
    """How many others each value beats, ties counting half; and whether it is in the upper part.

    At least one value is in the upper part, and all that are equal to its least.
    """
    _, level, counts = np.unique(values, return_inverse=True, return_counts=True)
    up_to = np.cumsum(counts)
    least = len(values) - max(1, math.ceil(upper * len(values)))
    return (up_to - counts / 2)[level], level >= np.searchsorted(up_to, least, side="right")
