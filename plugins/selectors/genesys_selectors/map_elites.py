"""MAP-Elites: the best of every kind."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Annotated

from pydantic import Field

from genesys.population.population import Population
from genesys.records import Role
from genesys_selectors.behaviour import cells
from genesys_selectors.breeding import Breeding
from genesys_selectors.expectation import expected_fitness
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

    levels: Annotated[int, Field(ge=1)] = 3
    noise: Share = 0.05

    def pick(
        self,
        population: Population,
        role: Role,
        candidates: Sequence[str],
        count: int,
        rng: Random,
    ) -> list[str]:
        """From different cells, as far as there are so many."""
        fitness = expected_fitness(population, candidates)
        grid = list(cells(population, candidates, self.levels).values())
        rng.shuffle(grid)
        picked: list[str] = []
        while grid and len(picked) < count:
            cell = grid.pop(0)
            name = (
                rng.choice(cell)
                if rng.random() < self.noise
                else max(cell, key=fitness.__getitem__)
            )
            picked.append(name)
            if rest := [other for other in cell if other != name]:
                grid.append(rest)
        return picked
