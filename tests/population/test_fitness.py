"""Eq. 1 and what counts for it."""

from __future__ import annotations

import pytest

from genesys.population.fitness import confidence, fitness, verified_scales
from genesys.population.population import Population
from genesys.records import Design, Outcome, Score, VerificationReport


def report(scale: str, *values: float, outcome: Outcome = Outcome.OK) -> VerificationReport:
    scores = [Score(task=f"t{i}", metric="acc", value=v) for i, v in enumerate(values)]
    scores.append(Score(task="corpus", metric="bits_per_byte", value=9.0))
    return VerificationReport(design="d", scale=scale, outcome=outcome, scores=scores)


def test_fitness_is_the_mean_over_tasks_and_verified_scales() -> None:
    reports = [report("a", 0.5, 0.7), report("b", 0.8, 1.0)]
    assert fitness(reports) == pytest.approx(0.75)
    assert confidence(reports) == 2


def test_only_what_ended_well_counts() -> None:
    reports = [
        report("a", 0.5),
        report("b", 0.9, outcome=Outcome.DESIGN_ERROR),
        report("c", 0.9, outcome=Outcome.MACHINE_ERROR),
    ]
    assert fitness(reports) == pytest.approx(0.5)
    assert verified_scales(reports) == {"a"}
    assert fitness([]) is None
    assert confidence([]) == 0


def test_the_population_gives_the_same() -> None:
    population = Population([Design(name="d", root="D", units=[])], [report("a", 0.25)])
    assert population.fitness("d") == pytest.approx(0.25)
    assert population.confidence("d") == 1
