"""A surrogate that foretells fitness from units, and ranks what is not verified yet."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Annotated

import numpy as np
from pydantic import Field

from genesys.population.population import Population
from genesys.records import Design, Role
from genesys_selectors.behaviour import mechanisms
from genesys_selectors.breeding import Breeding
from genesys_selectors.parameters import parameters


@parameters
class SurrogateSelector(Breeding):
    """Picks by fitness, known or foretold, with the doubt that there is about it.

    Units foretell fitness to a degree (app. E.3.3). Here a Gaussian process over bags of units,
    mechanisms and parents gives each design a mean and a deviation; a pick is the best of one draw
    from each (Thompson sampling), so that designs of unknown units get their chance.

    Attributes:
        most: Verified designs that it learns from, the latest.
        least: Below so many verified designs, any candidate is picked.
        doubt: How far draws lie from the means, in deviations.
    """

    most: Annotated[int, Field(ge=2)] = 1000
    least: Annotated[int, Field(ge=2)] = 8
    doubt: Annotated[float, Field(ge=0)] = 1.0

    def pick(
        self,
        population: Population,
        role: Role,
        candidates: Sequence[str],
        count: int,
        rng: Random,
    ) -> list[str]:
        """The best of a draw for each."""
        known = [d for d in population.designs if population.fitness(d.name) is not None]
        if len(known) < self.least or not candidates:
            return rng.sample(candidates, min(count, len(candidates)))
        asked = [population.design(name) for name in candidates]
        mean, deviation = foretell(population, known[-self.most :], asked)
        drawn = [m + self.doubt * d * rng.gauss(0, 1) for m, d in zip(mean, deviation, strict=True)]
        order = sorted(range(len(asked)), key=drawn.__getitem__, reverse=True)
        return [candidates[i] for i in order[:count]]


def foretell(
    population: Population, known: Sequence[Design], asked: Sequence[Design]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of the fitness of designs.

    Args:
        population: Of the designs.
        known: Verified designs to learn from.
        asked: Designs to foretell.

    Returns:
        Two arrays of (n,), in units of fitness.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, WhiteKernel

    words = TfidfVectorizer(analyzer=lambda bag: bag)
    features = words.fit_transform([_bag(design) for design in known]).toarray()
    fitness = [population.fitness(design.name) for design in known]
    process = GaussianProcessRegressor(
        RBF(1.0) + WhiteKernel(0.3), optimizer=None, normalize_y=True
    )
    process.fit(features, fitness)
    found: tuple[np.ndarray, np.ndarray] = process.predict(
        words.transform([_bag(design) for design in asked]).toarray(), return_std=True
    )
    return found


def _bag(design: Design) -> list[str]:
    """Words that say what a design is made of and where it comes from."""
    units = [f"unit {unit.name}" for unit in design.units]
    return [*units, *sorted(mechanisms(design)), *(f"child of {name}" for name in design.parents)]
