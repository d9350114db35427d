"""MAP-Elites: the best of every kind."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Annotated

import numpy as np
from pydantic import Field

from genesys.population.population import Population
from genesys.records import Role
from genesys_selectors.behaviour import Cell, cells, kinds
from genesys_selectors.breeding import Breeding, Picked
from genesys_selectors.expectation import expected_fitness, named, places
from genesys_selectors.parameters import Share, parameters


@parameters
class MapElitesSelector(Breeding):
    """Breeds from the fittest design of a cell drawn at random (Mouret and Clune 2015, 1504.04909).

    A cell has the designs of the same mechanisms and about the same operations for each parameter,
    so that a kind that is rare or not yet good is bred from as often as one that is common.

    Attributes:
        levels: Into how many equal parts the designs are cut by their operations.
        noise: Probability of taking any design of a cell instead of its fittest.
    """

    levels: Annotated[int, Field(ge=1, le=1000)] = 3
    noise: Share = 0.05

    def pick(
        self,
        population: Population,
        role: Role,
        candidates: Sequence[str],
        count: int,
        rng: Random,
    ) -> Picked:
        """From different cells, as far as there are so many."""
        fitness = expected_fitness(population)
        grid = list(cells(population, places(population, candidates), self.levels).items())
        among = f"{len(grid)} cells ({kinds([len(part) for _, part in grid]):.1f} in effect)"
        rng.shuffle(grid)
        picked, reasons = list[int](), list[str]()
        while grid and len(picked) < count:
            cell, part = grid.pop(0)
            noise = rng.random() < self.noise
            at = rng.randrange(len(part)) if noise else int(np.argmax(fitness[part]))
            which = "any" if noise else "the fittest"
            reasons.append(f"{which} of {len(part)} in cell {self._told(cell)}")
            picked.append(int(part[at]))
            if len(part) > 1:
                grid.append((cell, np.delete(part, at)))
        return Picked(named(population, picked), f"{'; '.join(reasons)}, of {among}")

    def _told(self, cell: Cell) -> str:
        mechanisms, level = cell
        return f"{'+'.join(sorted(mechanisms)) or 'none'} {level + 1}/{self.levels}"
