"""Tournament selection, with an age limit as in regularized evolution."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Annotated

from pydantic import Field

from genesys.population.population import Population
from genesys.records import Role
from genesys_selectors.breeding import Breeding
from genesys_selectors.expectation import best_first
from genesys_selectors.parameters import parameters


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
    ) -> list[str]:
        """The winners of as many tournaments."""
        left = self._alive(population, candidates) if role is Role.DESIGNER else list(candidates)
        place = {name: i for i, name in enumerate(best_first(population, left))}
        picked: list[str] = []
        while left and len(picked) < count:
            picked.append(min(rng.sample(left, min(self.size, len(left))), key=place.__getitem__))
            left.remove(picked[-1])
        return picked

    def _alive(self, population: Population, candidates: Sequence[str]) -> list[str]:
        if self.youngest is None:
            return list(candidates)
        allowed = set(candidates)
        made = [design.name for design in population.designs if design.name in allowed]
        return made[-self.youngest :]
