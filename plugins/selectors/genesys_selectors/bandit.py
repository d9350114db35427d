"""A bandit that learns which operator makes better children."""

from __future__ import annotations

from random import Random
from typing import Annotated

import numpy as np
from pydantic import Field

from genesys.population.population import Population
from genesys.records import Operator, Session
from genesys_selectors.operators import only
from genesys_selectors.parameters import parameters
from genesys_selectors.quadrant import QuadrantSelector


@parameters
class BanditSelector(QuadrantSelector):
    """Quadrant selection whose operators are drawn by what came of them so far.

    Thompson sampling (Thompson 1933; for operators, Fialho et al. 2010): a session succeeds if its
    child is fitter than its best parent, or, without parents, than the middle of the population. A
    session that ends without a child fails; a child that is not verified yet says nothing. The
    weights of the operators count as sessions held before the run.

    Attributes:
        prior: How many sessions the configured weights count as.
        memory: Sessions that are looked back on: what works changes as a run goes on.
    """

    prior: Annotated[float, Field(gt=0)] = 10.0
    memory: Annotated[int, Field(ge=1)] = 200

    def operator(
        self, population: Population, candidates: int, rng: Random
    ) -> tuple[Operator, str]:
        """The operator with the best draw from what is believed of it."""
        allowed = self.weights(len(population.sessions), candidates)
        if len(allowed) == 1:
            return only(allowed, candidates)
        total = sum(allowed.values())
        beliefs = {
            operator: [self.prior * weight / total, self.prior * (1 - weight / total)]
            for operator, weight in allowed.items()
            if weight
        }
        seen = dict.fromkeys(beliefs, 0)
        for session in population.sessions[-self.memory :]:
            operator = session.selection.operator
            if operator in beliefs and (won := _succeeded(population, session)) is not None:
                beliefs[operator][0 if won else 1] += 1
                seen[operator] += 1
        drawn = {
            operator: rng.betavariate(max(won, 1e-6), max(lost, 1e-6))
            for operator, (won, lost) in beliefs.items()
        }
        best = max(drawn, key=drawn.__getitem__)
        mean = beliefs[best][0] / sum(beliefs[best])
        return best, f"{best} drew {drawn[best]:.2f}: mean {mean:.2f} after {seen[best]} sessions"


def _succeeded(population: Population, session: Session) -> bool | None:
    """Whether a session was worth holding; None if that is not known yet."""
    if not session.design:
        return False
    reached = population.fitness(session.design)
    if reached is None:
        return False if population.is_erroneous(session.design) else None
    rivals = [population.fitness(name) for name in session.selection.designs]
    known = [value for value in rivals if value is not None]
    if session.selection.designs and not known:
        return None
    middle = np.nanmedian(population.fitnesses) if not known else max(known)
    return bool(reached > middle)
