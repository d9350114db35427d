"""What follows from a design alone, computed once while its population grows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Generic, TypeVar

import numpy as np

from genesys.population.population import Population
from genesys.records import Design

T = TypeVar("T")


class Kept(Generic[T]):
    """A thing for each design.

    A population that is not the last one, or grew out of it, gets things of its own: what is picked
    never depends on what was seen before.

    Args:
        of: Makes the thing of a design.
    """

    def __init__(self, of: Callable[[Population, Design], T]) -> None:
        self._of = of
        self._last: Population | None = None
        self._things: list[T] = []

    def __call__(self, population: Population) -> Sequence[T]:
        """Of all designs, in their order; not to be changed."""
        if self._last is None or not population.follows(self._last):
            self._things = []
        self._last = population
        new = population.designs[len(self._things) :]
        self._things.extend(self._of(population, design) for design in new)
        return self._things


class Places:
    """Where designs are in a population, by name."""

    def __init__(self) -> None:
        self._names = Kept(lambda _, design: design.name)
        self._source: Sequence[str] = ()
        self._places: dict[str, int] = {}

    def __call__(self, population: Population, names: Collection[str]) -> np.ndarray:
        """Places of designs, (m,)."""
        known = self._names(population)
        if known is not self._source:
            self._source, self._places = known, {}
        for place in range(len(self._places), len(known)):
            self._places[known[place]] = place
        return np.fromiter(map(self._places.__getitem__, names), int, len(names))


class Rows:
    """Rows of numbers, with room for more.

    Args:
        width: Numbers of a row.
    """

    def __init__(self, width: int) -> None:
        self._room = np.empty((64, width))
        self._source: Sequence[np.ndarray] = ()
        self._filled = 0

    def __call__(self, rows: Sequence[np.ndarray]) -> np.ndarray:
        """The rows as a matrix, not to be written to; those of a list that grew are taken once."""
        if rows is not self._source:
            self._source, self._filled = rows, 0
        if len(rows) > len(self._room):
            more = np.empty((2 * len(rows), self._room.shape[1]))
            more[: self._filled] = self._room[: self._filled]
            self._room = more
        for place in range(self._filled, len(rows)):
            self._room[place] = rows[place]
        self._filled = len(rows)
        return self._room[: self._filled]
