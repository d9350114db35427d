"""What an unverified design is expected to be worth."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from genesys.population.population import Population
from genesys.records import Design
from genesys_selectors.kept import Kept, Places


def named(population: Population, chosen: Iterable[int]) -> list[str]:
    """Names of the designs at these places."""
    return [population.designs[place].name for place in chosen]


def expected(population: Population, known: np.ndarray) -> np.ndarray:
    """A value of designs; where it is not known, it is expected to be like the parents'.

    Without ancestors of known value it is expected to be like the mean of all that have one.

    Args:
        population: Of the designs, parents before their children.
        known: (n,) in the order of the population, NaN where it is not known.

    Returns:
        (n,), no NaN among them; zeros where nothing is known.
    """
    unknown = np.isnan(known)
    if unknown.all():
        return np.zeros(len(known))
    typical = float(known[~unknown].mean())
    values, parents = known.tolist(), _parents(population)
    for place in np.flatnonzero(unknown).tolist():
        inherited = [values[parent] for parent in parents[place]]
        values[place] = sum(inherited) / len(inherited) if inherited else typical
    return np.array(values)


def expected_fitness(population: Population) -> np.ndarray:
    """Fitness of all designs, (n,); an unverified one is expected to be like its parents."""
    return expected(population, population.fitnesses)


def best_first(population: Population, chosen: np.ndarray) -> np.ndarray:
    """Designs by expected fitness; of equals the one that comes first.

    Args:
        population: Of all designs.
        chosen: (m,) places of those that are wanted.
    """
    return chosen[np.argsort(-expected_fitness(population)[chosen], kind="stable")]


def _places_of_parents(population: Population, design: Design) -> list[int]:
    # In a tree that was put together from others a parent may be missing.
    known = population.by_name
    return [known.place(name) for name in design.parents if name in known]


_parents = Kept(_places_of_parents)
places = Places()
