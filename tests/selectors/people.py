"""Populations made up of figures, and what selectors draw from them."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from scipy.stats import chisquare

from genesys.population.population import Population
from genesys.records import (
    Design,
    Operator,
    Role,
    Score,
    Selection,
    Session,
    SessionEnd,
    VerificationReport,
)

DRAWS = 1000


def population(
    fitness: dict[str, list[float]], seeds: int = 0, sessions: int = 0, **parents: list[str]
) -> Population:
    """Designs with an accuracy per verified scale; the first ``seeds`` are seeds."""
    designs = [
        Design(
            name=name,
            root="A",
            units=[],
            operator=Operator.SEED if index < seeds else Operator.MUTATION,
            parents=parents.get(name, []),
            index=index,
        )
        for index, name in enumerate(fitness)
    ]
    reports = [
        VerificationReport(
            design=name, scale=f"s{i}", scores=[Score(task="t", metric="acc", value=value)]
        )
        for name, values in fitness.items()
        for i, value in enumerate(values)
    ]
    started = Selection(operator=Operator.SCRATCH, designs=[])
    held = [
        Session(index=i, seed=i, selection=started, end=SessionEnd.NOT_NEW) for i in range(sessions)
    ]
    return Population(designs, reports, held)


# Cut at the upper half, one design lies in each quadrant.
FOUR = {"gc": [0.9, 0.9], "gu": [0.8], "pc": [0.2, 0.2], "pu": [0.1]}


def draws(selector: Any, people: Population, role: Role, names: list[str]) -> list[Selection]:
    return [selector.select(people, role, names, Random(seed)) for seed in range(DRAWS)]


def shares(selections: list[Selection]) -> dict[str, float]:
    counts = Counter(name for selection in selections for name in selection.designs)
    return {name: count / len(selections) for name, count in counts.items()}


def agree(found: dict[str, float], foretold: dict[str, float]) -> bool:
    """Whether frequencies over the draws are those foretold (chi-square, 1 error in 1,000)."""
    assert found.keys() <= foretold.keys(), found
    scale = DRAWS / sum(foretold.values())
    counts = [found.get(name, 0.0) * DRAWS for name in foretold]
    return bool(chisquare(counts, [p * scale for p in foretold.values()]).pvalue > 0.001)
