"""Pareto selection: quality, speed and memory at a time, as in NSGA-II."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Annotated

import numpy as np
from pydantic import AfterValidator, Field

from genesys.errors import UnknownNameError
from genesys.population.population import Population, Value
from genesys.population.terms import TERMS, Term
from genesys.records import Design, Role, VerificationReport
from genesys_selectors.breeding import Breeding, Picked
from genesys_selectors.expectation import expected, places
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

    NSGA-II's crowded tournament (Deb et al. 2002).

    Attributes:
        objectives: Terms of the fitness that are compared one by one. A design that has no value
            is expected to be like its parents.
        most: Candidates that are sorted into fronts, drawn at random if there are more of them:
            what sorting takes grows with their square.
    """

    objectives: Annotated[list[Objective], Field(min_length=1)] = Field(
        default_factory=lambda: ["accuracy", "speed", "prefill_memory"]
    )
    most: Annotated[int, Field(ge=2)] = 500

    def pick(
        self,
        population: Population,
        role: Role,
        candidates: Sequence[str],
        count: int,
        rng: Random,
    ) -> Picked:
        """The winners of as many tournaments of two."""
        if len(candidates) > self.most:
            candidates = rng.sample(candidates, self.most)
        values = self._values(population, candidates)
        front = fronts(values)
        left, picked, reasons = list(range(len(candidates))), list[int](), list[str]()
        while left and len(picked) < count:
            drawn = rng.sample(left, min(2, len(left)))
            picked.append(_better(values, front, *drawn))
            left.remove(picked[-1])
            other = "".join(
                f" against {candidates[i]} on {front[i] + 1}" for i in drawn if i != picked[-1]
            )
            reasons.append(f"on front {front[picked[-1]] + 1}{other}")
        why = f"{'; '.join(reasons)}, of {front.max(initial=-1) + 1} fronts"
        return Picked([candidates[i] for i in picked], why)

    def _values(self, population: Population, candidates: Sequence[str]) -> np.ndarray:
        columns = [
            expected(population, population.values(("mean of", term), _mean_of(TERMS[term])))
            for term in self.objectives
        ]
        chosen: np.ndarray = np.stack(columns, axis=1)[places(population, candidates)]
        return chosen


def _better(values: np.ndarray, front: np.ndarray, one: int, other: int | None = None) -> int:
    """The one on the earlier front, or the lonelier one on the same."""
    if other is None:
        return one
    if front[one] != front[other]:
        return one if front[one] < front[other] else other
    peers = np.flatnonzero(front == front[one])
    room = dict(zip(peers.tolist(), crowding(values[peers]), strict=True))
    return one if room[one] >= room[other] else other


def _mean_of(term: Term) -> Value:
    """The mean of a term over a design's reports."""

    def mean(design: Design, reports: Sequence[VerificationReport]) -> float | None:
        known = [value for report in reports if (value := term(report)) is not None]
        return sum(known) / len(known) if known else None

    return mean
