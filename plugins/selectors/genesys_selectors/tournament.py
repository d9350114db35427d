"""Tournament selection, with an age limit as in regularized evolution."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Annotated

import numpy as np
from pydantic import Field

from genesys.population.population import Population
from genesys.records import Role
from genesys_selectors.breeding import Breeding, Picked
from genesys_selectors.expectation import expected_fitness, named, places
from genesys_selectors.parameters import parameters

# Losers of a tournament that are named.
SHOWN = 4


@parameters
class TournamentSelector(Breeding):
    """The best of a few candidates drawn at random.

    Goldberg and Deb 1991; with ``youngest``, only the latest designs take part, so that each has
    its time (Real et al. 2019, arXiv 1802.01548).

    Attributes:
        size: Candidates in a tournament.
        youngest: Candidates that may breed, the latest made; None for all. Verifiers take any.
    """

    size: Annotated[int, Field(ge=1)] = 5
    youngest: Annotated[int, Field(ge=2)] | None = None

    def pick(
        self,
        population: Population,
        role: Role,
        candidates: Sequence[str],
        count: int,
        rng: Random,
    ) -> Picked:
        """The winners of as many tournaments."""
        fitness = expected_fitness(population)
        left = self._alive(places(population, candidates), role)
        picked, reasons = list[int](), list[str]()
        while left and len(picked) < count:
            drawn = rng.sample(left, min(self.size, len(left)))
            # Of equals the older one.
            picked.append(max(drawn, key=lambda place: (fitness[place], -place)))
            reasons.append(f"fitter than {_list(population, drawn, picked[-1])}, of {len(left)}")
            left.remove(picked[-1])
        return Picked(named(population, picked), "; ".join(reasons))

    def _alive(self, made: np.ndarray, role: Role) -> list[int]:
        if self.youngest is None or role is Role.VERIFIER:
            return list(made.tolist())
        return list(np.sort(made)[-self.youngest :].tolist())


def _list(population: Population, drawn: Sequence[int], winner: int) -> str:
    beaten = named(population, (place for place in drawn if place != winner))
    return ", ".join([*beaten[:SHOWN], *(["others"] if len(beaten) > SHOWN else [])]) or "nobody"
