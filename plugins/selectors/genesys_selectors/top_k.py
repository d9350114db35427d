"""Truncation selection: any of the best few."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Annotated

from pydantic import Field

from genesys.population.population import Population
from genesys.records import Role
from genesys_selectors.breeding import Breeding
from genesys_selectors.expectation import best_first
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
    ) -> list[str]:
        """Of the best few, with a little noise."""
        left, picked = best_first(population, candidates), list[str]()
        while left and len(picked) < count:
            reach = len(left) if rng.random() < self.noise else min(self.k, len(left))
            picked.append(left.pop(rng.randrange(reach)))
        return picked
