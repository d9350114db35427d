"""Fitness and confidence cut the population into four quadrants (fig. 10, alg. 4)."""

from __future__ import annotations

import math
from enum import StrEnum

import numpy as np


class Quadrant(StrEnum):
    """Where a design lies; see sec. 4.3 for who takes from where."""

    GOOD_CONFIDENT = "good & confident"
    GOOD_UNCONFIDENT = "good & unconfident"
    POOR_CONFIDENT = "poor & confident"
    POOR_UNCONFIDENT = "poor & unconfident"


def quadrants(
    fitness: np.ndarray, confidence: np.ndarray, fitness_cutoff: float, confidence_cutoff: float
) -> dict[Quadrant, np.ndarray]:
    """Places by quadrant, best first: by mean rank in fitness and confidence, then by fitness.

    Args:
        fitness: (n,) of the designs.
        confidence: (n,) of the same designs.
        fitness_cutoff: Upper part of the fitness values that counts as good, in 0..1.
        confidence_cutoff: Upper part of the confidence values that counts as confident, in 0..1.
    """
    fitness_rank, good = _ranked(fitness, fitness_cutoff)
    confidence_rank, sure = _ranked(confidence, confidence_cutoff)
    best_first = np.lexsort((-fitness, -fitness_rank - confidence_rank))
    good, sure = good[best_first], sure[best_first]
    return {
        Quadrant.GOOD_CONFIDENT: best_first[good & sure],
        Quadrant.GOOD_UNCONFIDENT: best_first[good & ~sure],
        Quadrant.POOR_CONFIDENT: best_first[~good & sure],
        Quadrant.POOR_UNCONFIDENT: best_first[~good & ~sure],
    }


def _ranked(values: np.ndarray, upper: float) -> tuple[np.ndarray, np.ndarray]:
    """How many others each value beats, ties counting half; and whether it is in the upper part.

    At least one value is in the upper part, and all that are equal to its least.
    """
    _, level, counts = np.unique(values, return_inverse=True, return_counts=True)
    up_to = np.cumsum(counts)
    least = len(values) - max(1, math.ceil(upper * len(values)))
    return (up_to - counts / 2)[level], level >= np.searchsorted(up_to, least, side="right")
