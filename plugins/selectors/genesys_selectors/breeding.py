"""What selectors have in common: they differ in how they pick designs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from random import Random
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from genesys.markers import hookimpl
from genesys.population.population import Population
from genesys.records import Operator, Role, Selection
from genesys_selectors.operators import PARENTS, OperatorChoice

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]

# Parameters of a selector are its fields; a wrong one raises ``pydantic.ValidationError``.
parameters = dataclass(frozen=True, kw_only=True, eq=False, config=ConfigDict(extra="forbid"))


@parameters
class Breeding(ABC):
    """Draws the operator of a child, asks for its parents, and draws what else is shown.

    Attributes:
        mutation: Weight of mutation.
        crossover: Weight of crossover.
        scratch: Weight of starting from scratch.
        crossover_warmup: Sessions before the first crossover.
        scratch_warmup: Sessions before the first start from scratch.
        references: Other designs, drawn at random, to show a designer.
    """

    mutation: Annotated[float, Field(gt=0)] = 0.75
    crossover: Weight = 0.2
    scratch: Weight = 0.05
    crossover_warmup: Count = 20
    scratch_warmup: Count = 30
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
        return self.operators.draw(len(population.sessions), candidates, rng)

    @property
    def operators(self) -> OperatorChoice:
        """The configured weights of the operators."""
        return OperatorChoice(
            self.mutation, self.crossover, self.scratch, self.crossover_warmup, self.scratch_warmup
        )

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
