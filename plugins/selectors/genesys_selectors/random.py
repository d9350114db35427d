"""Random selection: the baseline without regard to fitness."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from genesys.population.population import Population
from genesys.records import Role
from genesys_selectors.breeding import Breeding, Picked, at_random
from genesys_selectors.parameters import parameters


@parameters
class RandomSelector(Breeding):
    """Every candidate is as likely as any other ("w/o Exp." of table 2)."""

    def pick(
        self,
        population: Population,
        role: Role,
        candidates: Sequence[str],
        count: int,
        rng: Random,
    ) -> Picked:
        """Any of them."""
        return at_random(candidates, count, rng)
