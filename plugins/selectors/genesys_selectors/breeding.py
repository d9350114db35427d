"""What selectors have in common: they differ in how they pick designs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from random import Random

from genesys.markers import hookimpl
from genesys.population.population import Population
from genesys.records import Operator, Role, Selection
from genesys_selectors.operators import PARENTS, OperatorChoice
from genesys_selectors.parameters import Count, parameters


@parameters
class Breeding(OperatorChoice, ABC):
    """Draws the operator of a child, asks for its parents, and draws what else is shown.

    Attributes:
        references: Other designs, drawn at random, to show a designer.
    """

    references: Count = 2

    @hookimpl
    def select(
        self, population: Population, role: Role, candidates: Sequence[str], rng: Random
    ) -> Selection | None:
        """See ``genesys.hookspecs.select``."""
        if role is Role.VERIFIER:
            picked = self.pick(population, role, candidates, 1, rng)
            return Selection(operator=Operator.SEED, designs=picked) if picked else None
        operator = self.operator(population, len(candidates), rng)
        parents = self.parents(population, candidates, PARENTS[operator], rng)
        rest = [name for name in candidates if name not in parents]
        shown = rng.sample(rest, min(self.references, len(rest)))
        return Selection(operator=operator, designs=parents, references=shown)

    def operator(self, population: Population, candidates: int, rng: Random) -> Operator:
        """How the next child is made."""
        return self.draw(len(population.sessions), candidates, rng)

    def parents(
        self, population: Population, candidates: Sequence[str], count: int, rng: Random
    ) -> list[str]:
        """So many different candidates to breed from; there are enough of them."""
        return self.pick(population, Role.DESIGNER, candidates, count, rng)

    @abstractmethod
    def pick(
        self,
        population: Population,
        role: Role,
        candidates: Sequence[str],
        count: int,
        rng: Random,
    ) -> list[str]:
        """So many different candidates, or as many as there are."""
