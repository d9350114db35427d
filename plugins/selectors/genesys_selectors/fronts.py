"""Fronts of designs that no other beats in everything (Deb et al. 2002)."""

from __future__ import annotations

import numpy as np


def fronts(values: np.ndarray) -> np.ndarray:
    """The front of each point: 0 for those that no other dominates, 1 without these, and so on.

    Args:
        values: (n, m), more is better; points of no front may not hold NaN.

    Returns:
        (n,) numbers of fronts.
    """
    front = np.full(len(values), -1)
    number = 0
    while (left := np.flatnonzero(front < 0)).size:
        front[left[~_dominated(values[left])]] = number
        number += 1
    return front


def crowding(values: np.ndarray) -> np.ndarray:
    """Distance of each point of one front to its neighbours; infinite at the ends.

    Args:
        values: (n, m) of the points of a front.

    Returns:
        (n,) sums over the m values of the distance between neighbours, as a part of the range.
    """
    distance = np.zeros(len(values))
    for column in values.T:
        order = np.argsort(column, kind="stable")
        span = column[order[-1]] - column[order[0]]
        distance[order[[0, -1]]] = np.inf
        if span > 0:
            distance[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / span
    return distance


def _dominated(values: np.ndarray) -> np.ndarray:
    """Whether some other point is as good in everything and better in something."""
    beaten = np.zeros(len(values), bool)
    for i, point in enumerate(values):
        if not beaten[i]:
            beaten |= (values <= point).all(axis=1) & (values < point).any(axis=1)
    return beaten
