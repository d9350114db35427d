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
    as_good = np.ones((len(values), len(values)), bool)
    for column in values.T:
        as_good &= column[:, None] >= column
    beaten_by = as_good.T & ~as_good
    front = np.full(len(values), -1)
    # What beats a point beats all that the point beats, and more.
    for point in np.argsort(beaten_by.sum(axis=1), kind="stable"):
        front[point] = front[beaten_by[point]].max(initial=-1) + 1
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
