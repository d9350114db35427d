"""Pareto selection: quality, speed and memory at a time, as in NSGA-II."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Annotated

import numpy as np
from pydantic import AfterValidator, Field

from genesys.errors import UnknownNameError
from genesys.population.population import Population
from genesys.population.terms import TERMS
from genesys.records import Role
from genesys_selectors.breeding import Breeding
from genesys_selectors.expectation import expected
from genesys_selectors.fronts import crowding, fronts
from genesys_selectors.parameters import parameters


def _is_term(name: str) -> str:
    if name not in TERMS:
        raise UnknownNameError("objective", name, TERMS)
    return name


Objective = Annotated[str, AfterValidator(_is_term)]


@parameters
class ParetoSelector(Breeding):
    """The better of two candidates: on an earlier front, or lonelier on the same one.

    NSGA-II's crowded tournament (Deb et al. 2002), over all designs of the run.

    Attributes:
        objectives: Terms of the fitness that are compared one by one. A design that has no value
            is expected to be like its parents.
    """

    objectives: Annotated[list[Objective], Field(min_length=1)] = Field(
        default_factory=lambda: ["accuracy", "speed", "prefill_memory"]
    )

    def pick(
        self,
        population: Population,
        role: Role,
        candidates: Sequence[str],
        count: int,
        rng: Random,
    ) -> list[str]:
        """The winners of as many tournaments of two."""
        order = self._order(population, candidates)
        left, picked = list(candidates), list[str]()
        while left and len(picked) < count:
            picked.append(min(rng.sample(left, min(2, len(left))), key=order.__getitem__))
            left.remove(picked[-1])
        return picked

    def _order(self, population: Population, names: Sequence[str]) -> dict[str, tuple[int, float]]:
        """What the better of two has the less of: its front, and the room around it, negative."""
        columns = [
            expected(population, partial(_mean, population, term), names)
            for term in self.objectives
        ]
        values = np.array([[column[name] for column in columns] for name in names])
        if not len(values):
            return {}
        front, room = fronts(values), np.zeros(len(values))
        for number in np.unique(front):
            room[front == number] = crowding(values[front == number])
        return {name: (int(front[i]), -float(room[i])) for i, name in enumerate(names)}


def _mean(population: Population, term: str, name: str) -> float | None:
    """Of a term over a design's reports."""
    values = [TERMS[term](report) for report in population.reports_of(name)]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
