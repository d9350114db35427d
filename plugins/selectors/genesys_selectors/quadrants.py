"""Fitness and confidence cut the population into four quadrants (fig. 10, alg. 4)."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from enum import StrEnum


class Quadrant(StrEnum):
    """Where a design lies; see sec. 4.3 for who takes from where."""

    GOOD_CONFIDENT = "good & confident"
    GOOD_UNCONFIDENT = "good & unconfident"
    POOR_CONFIDENT = "poor & confident"
    POOR_UNCONFIDENT = "poor & unconfident"

    @classmethod
    def of(cls, good: bool, confident: bool) -> Quadrant:
        """The quadrant on these sides of both cut-offs."""
        if good:
            return cls.GOOD_CONFIDENT if confident else cls.GOOD_UNCONFIDENT
        return cls.POOR_CONFIDENT if confident else cls.POOR_UNCONFIDENT


def quadrants(
    fitness: Mapping[str, float],
    confidence: Mapping[str, int],
    fitness_cutoff: float,
    confidence_cutoff: float,
) -> dict[Quadrant, list[str]]:
    """Names by quadrant, best first: by mean rank in fitness and confidence, then by fitness.

    Args:
        fitness: Of the designs.
        confidence: Of the same designs.
        fitness_cutoff: Upper part of the fitness values that counts as good, in 0..1.
        confidence_cutoff: Upper part of the confidence values that counts as confident, in 0..1.
    """
    good = _cut(list(fitness.values()), fitness_cutoff)
    sure = _cut(list(confidence.values()), confidence_cutoff)
    by_fitness, by_confidence = _ranks(fitness), _ranks(confidence)
    best_first = sorted(
        fitness, key=lambda n: (by_fitness[n] + by_confidence[n], fitness[n]), reverse=True
    )
    parts: dict[Quadrant, list[str]] = {quadrant: [] for quadrant in Quadrant}
    for name in best_first:
        parts[Quadrant.of(fitness[name] >= good, confidence[name] >= sure)].append(name)
    return parts


def _cut(values: Sequence[float], upper: float) -> float:
    """The least value of the upper part; at least one value is in it."""
    ordered = sorted(values, reverse=True)
    return ordered[max(1, math.ceil(upper * len(ordered))) - 1] if ordered else 0.0


def _ranks(values: Mapping[str, float]) -> dict[str, float]:
    """How many of the others a value beats, ties counting half."""
    ordered = sorted(values.values())
    return {
        name: (bisect_left(ordered, mine) + bisect_right(ordered, mine)) / 2
        for name, mine in values.items()
    }
