"""Which genetic operator makes the next child (sec. 4.2, table 13)."""

from __future__ import annotations

from random import Random
from typing import Annotated

from pydantic import Field

from genesys.records import Operator
from genesys_selectors.parameters import Count, Weight, parameters

PARENTS = {Operator.MUTATION: 1, Operator.CROSSOVER: 2, Operator.SCRATCH: 0}


@parameters
class OperatorChoice:
    """Draws operators.

    Attributes:
        mutation: Weight of mutation, which is all there is during the warm-ups.
        crossover: Weight of crossover.
        scratch: Weight of starting from scratch.
        crossover_warmup: Sessions before the first crossover.
        scratch_warmup: Sessions before the first start from scratch.
    """

    mutation: Annotated[float, Field(gt=0)] = 0.75
    crossover: Weight = 0.2
    scratch: Weight = 0.05
    crossover_warmup: Count = 20
    scratch_warmup: Count = 30

    def weights(self, session: int, candidates: int) -> dict[Operator, float]:
        """Those of the operators that a session with so many candidates may use."""
        if candidates == 0:
            return {Operator.SCRATCH: 1.0}
        weights = {Operator.MUTATION: self.mutation}
        if session >= self.crossover_warmup and candidates >= PARENTS[Operator.CROSSOVER]:
            weights[Operator.CROSSOVER] = self.crossover
        if session >= self.scratch_warmup:
            weights[Operator.SCRATCH] = self.scratch
        return weights

    def draw(self, session: int, candidates: int, rng: Random) -> tuple[Operator, str]:
        """The operator for a session, of those that so many candidates allow, and why it."""
        weights = self.weights(session, candidates)
        if len(weights) == 1:
            return only(weights, candidates)
        operator = rng.choices(list(weights), list(weights.values()))[0]
        share = weights[operator] / sum(weights.values())
        return operator, f"{operator} has a probability of {share:.2g}"


def only(weights: dict[Operator, float], candidates: int) -> tuple[Operator, str]:
    """The one operator there is, and why there is no other."""
    operator = next(iter(weights))
    return operator, f"{operator} until the warm-up ends" if candidates else "nothing to breed from"
