"""Random selection: the baseline without regard to fitness."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from genesys.markers import hookimpl
from genesys.population.population import Population
from genesys.records import Operator, Role, Selection
from genesys_selectors.operators import PARENTS, OperatorChoice


class RandomSelector:
    """Every candidate is as likely as any other.

    Args:
        mutation: Weight of mutation.
        crossover: Weight of crossover.
        scratch: Weight of starting from scratch.
        crossover_warmup: Sessions before the first crossover.
        scratch_warmup: Sessions before the first start from scratch.
        references: Other designs to show a designer.

    Raises:
        ValueError: A parameter is out of bounds.
    """

    def __init__(
        self,
        mutation: float = 0.75,
        crossover: float = 0.2,
        scratch: float = 0.05,
        crossover_warmup: int = 20,
        scratch_warmup: int = 30,
        references: int = 2,
    ) -> None:
        self._operators = OperatorChoice(
            mutation, crossover, scratch, crossover_warmup, scratch_warmup
        )
        if references < 0:
            raise ValueError(f"references cannot be negative, got {references}")
        self._references = references

    @hookimpl
    def select(
        self, population: Population, role: Role, candidates: Sequence[str], rng: Random
    ) -> Selection | None:
        """See ``genesys.hookspecs.select``."""
        if role is Role.VERIFIER:
            if not candidates:
                return None
            return Selection(operator=Operator.SEED, designs=[rng.choice(candidates)])
        operator = self._operators.draw(len(population.sessions), len(candidates), rng)
        shuffled = rng.sample(candidates, len(candidates))
        count = PARENTS[operator]
        return Selection(
            operator=operator,
            designs=shuffled[:count],
            references=shuffled[count : count + self._references],
        )
