"""Truncation selection: any of the best few."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Annotated

from pydantic import Field

from genesys.population.population import Population
from genesys.records import Role
from genesys_selectors.breeding import Breeding, Picked
from genesys_selectors.expectation import best_first, named, places
from genesys_selectors.parameters import Share, parameters


@parameters
class TopKSelector(Breeding):
    """Each of the ``k`` best candidates is as likely as the others (Mühlenbein et al. 1993).

    Attributes:
        k: How many are the best.
        noise: Probability of taking any candidate instead.
    """

    k: Annotated[int, Field(ge=1)] = 10
    noise: Share = 0.05

    def pick(
        self,
        population: Population,
        role: Role,
        candidates: Sequence[str],
        count: int,
        rng: Random,
    ) -> Picked:
        """Of the best few, with a little noise."""
        left = best_first(population, places(population, candidates)).tolist()
        picked, reasons = list[int](), list[str]()
        while left and len(picked) < count:
            noise = rng.random() < self.noise
            position = rng.randrange(len(left) if noise else min(self.k, len(left)))
            reasons.append(
                f"number {position + 1} of {len(left)}, "
                + ("by noise" if noise else f"one of the best {self.k}")
            )
            picked.append(left.pop(position))
        return Picked(named(population, picked), "; ".join(reasons))
