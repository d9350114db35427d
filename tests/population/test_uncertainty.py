"""Standard errors and intervals, by hand and against what simulated runs do."""

from __future__ import annotations

from math import inf, sqrt
from statistics import stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys.population.fitness import EQUATION_1, fitness_error
from genesys.population.uncertainty import StandardError, quantile, standard_error, told_apart
from genesys.records import Outcome, Score, VerificationReport


def score(value: float, stderr: float | None = 0.02, by_seed: tuple[float, ...] = ()) -> Score:
    return Score(task="t", metric="acc", value=value, stderr=stderr, by_seed=list(by_seed))


def report(*scores: Score, scale: str = "a", outcome: Outcome = Outcome.OK) -> VerificationReport:
    loss = Score(task="b", metric="bits_per_byte", value=2.0, stderr=9.0, by_seed=[1.0, 3.0])
    return VerificationReport(design="d", scale=scale, outcome=outcome, scores=[*scores, loss])


@pytest.mark.parametrize(
    ("freedom", "table"),
    [(inf, 1.960), (30, 2.042), (10, 2.228), (5, 2.571), (4, 2.776), (3, 3.182), (2, 4.303)],
)
def test_the_quantile_is_that_of_students_t(freedom: float, table: float) -> None:
    assert quantile(freedom) == pytest.approx(table, rel=0.01)


def test_tasks_have_items_of_their_own_and_scales_have_the_same() -> None:
    one = report(score(0.5, 0.03), score(0.7, 0.04))
    error = standard_error([one])
    assert error == StandardError(pytest.approx(0.025), inf)
    same = standard_error([one, report(*one.scores, scale="b")])
    assert same == StandardError(pytest.approx(0.025), inf)
    assert error is not None and error.around(0.6)[1] == pytest.approx(0.6 + 1.96 * 0.025, abs=1e-5)


def test_seeds_spread_together_over_the_tasks() -> None:
    # Mean accuracies by seed: 0.5, 0.6, 0.7. Their spread is 0.1 / sqrt(3).
    seeds = 0.1 / sqrt(3)
    total = sqrt(0.02**2 + seeds**2)
    several = report(score(0.5, total, (0.4, 0.5, 0.6)), score(0.7, total, (0.6, 0.7, 0.8)))
    items = 0.02 * sqrt(2) / 2
    error = standard_error([several])
    assert error is not None
    assert error.value == pytest.approx(sqrt(items**2 + seeds**2))
    assert error.freedom == pytest.approx(2 * (error.value / seeds) ** 4)
    # At another scale a single seed tells nothing of its spread.
    mixed = standard_error([several, report(score(0.6), score(0.6), scale="b")])
    assert mixed is not None
    assert mixed.value == pytest.approx(sqrt(items**2 + (seeds / 2) ** 2))


def test_what_seeds_do_not_agree_on_cancels() -> None:
    seeds = 0.1 / sqrt(2)
    crossed = report(score(0.5, seeds, (0.4, 0.6)), score(0.5, seeds, (0.6, 0.4)))
    error = standard_error([crossed])
    assert error is not None and error.value == pytest.approx(0.0, abs=1e-9)


def test_without_all_errors_there_is_none() -> None:
    assert standard_error([]) is None
    assert standard_error([report(score(0.5), score(0.5, None))]) is None
    assert standard_error([report()]) is None
    assert standard_error([report(score(0.5), outcome=Outcome.DESIGN_ERROR)]) is None
    failed = report(score(0.5, None), outcome=Outcome.DESIGN_ERROR)
    assert standard_error([failed, report(score(0.5))]) == StandardError(pytest.approx(0.02))


def test_the_fitness_error_is_that_of_its_accuracy() -> None:
    reports = [report(score(0.5))]
    assert fitness_error(reports, EQUATION_1) == standard_error(reports)
    half = fitness_error(reports, {"accuracy": 0.5, "speed": 3.0})
    assert half is not None and half.value == pytest.approx(0.01)
    assert fitness_error(reports, {"speed": 1.0}) is None


def test_differences_within_the_error_are_ties() -> None:
    error = StandardError(0.01)
    width = 1.96 * 0.01 * sqrt(2)
    assert told_apart(0.5, error, 0.5 + 1.01 * width, error) is True
    assert told_apart(0.5 + 0.99 * width, error, 0.5, error) is False
    assert told_apart(0.5, StandardError(0.0), 0.5, StandardError(0.0)) is False
    assert told_apart(0.5, error, 0.9, None) is None


errors = st.builds(StandardError, st.floats(0, 1), st.sampled_from([1.0, 2.0, 7.0, inf]))


@given(errors, errors)
def test_sums_are_no_surer_than_their_parts(first: StandardError, second: StandardError) -> None:
    both = first.plus(second)
    assert both == second.plus(first)
    assert both.value >= max(first.value, second.value)
    assert both.margin >= 0
    assert both.freedom >= min(first.freedom, second.freedom) * (1 - 1e-9)


@pytest.mark.parametrize("count", [3, 5])
def test_intervals_hold_the_truth_as_often_as_they_say(count: int) -> None:
    """Two tasks of known accuracies; items and seeds drawn 700 times."""
    rng = np.random.default_rng(0)
    items, seeds, held, rounds = 0.01, 0.02, 0, 700
    for _ in range(rounds):
        luck = rng.normal(0, seeds, count)
        scores = []
        for truth in (0.6, 0.8):
            values = truth + rng.normal(0, items) + luck
            spread = stdev(values) / sqrt(count)
            scores.append(score(values.mean(), sqrt(items**2 + spread**2), tuple(values)))
        error = standard_error([report(*scores)])
        assert error is not None
        low, high = error.around(sum(s.value for s in scores) / 2)
        held += low <= 0.7 <= high
    assert held / rounds == pytest.approx(0.95, abs=0.025)
