"""What an unverified design is expected to be worth."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import mean

from genesys.population.population import Population


def expected(
    population: Population, value: Callable[[str], float | None], names: Iterable[str]
) -> dict[str, float]:
    """A value of designs; where it is not known, it is expected to be like the parents'.

    Without ancestors of known value it is expected to be like the mean of all that have one.

    Args:
        population: Of the designs, parents before their children.
        value: Of a design by name, if known.
        names: Of the designs that are asked for.
    """
    known = {design.name: value(design.name) for design in population.designs}
    found = [one for one in known.values() if one is not None]
    typical = mean(found) if found else 0.0
    values: dict[str, float] = {}
    for design in population.designs:
        own = known[design.name]
        inherited = [values[parent] for parent in design.parents]
        values[design.name] = own if own is not None else mean(inherited or [typical])
    return {name: values[name] for name in names}


def expected_fitness(population: Population, names: Iterable[str]) -> dict[str, float]:
    """Fitness of designs; an unverified one is expected to be like its parents."""
    return expected(population, population.fitness, names)


def best_first(population: Population, names: Iterable[str]) -> list[str]:
    """Designs by expected fitness; of equals the one that comes first."""
    fitness = expected_fitness(population, names)
    return sorted(fitness, key=fitness.__getitem__, reverse=True)
