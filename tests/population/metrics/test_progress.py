"""Generations, and the figures of table 2, against cases worked out by hand."""

from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys.population.metrics.progress import generations, progress
from genesys.population.metrics.tables import DESIGNS, table


def designs(*fitness):
    return table([{"name": f"d{i}", "fitness": value} for i, value in enumerate(fitness)], DESIGNS)


def test_generations_are_windows_over_the_verified_designs():
    found = designs(1.0, None, 2.0, 3.0, 4.0, None, 5.0, 6.0)
    assert generations(found, size=2, step=1) == (1.5, 2.5, 3.5, 4.5, 5.5)
    assert generations(found, size=4, step=2) == (2.5, 4.5)
    assert generations(found, size=4, step=3) == (2.5,)


def test_few_designs_are_one_generation_and_none_is_none():
    assert generations(designs(1.0, 3.0)) == (2.0,)
    assert generations(designs(None, None)) == ()


@pytest.mark.parametrize(("size", "step"), [(0, 1), (1, 0)])
def test_refuses_windows_that_are_none(size, step):
    with pytest.raises(ValueError, match="must be positive"):
        generations(designs(1.0), size, step)


def test_figures_by_hand():
    found = progress([0.50, 0.54, 0.52, 0.51, 0.57])
    assert found is not None
    # Changes: +4, -2, -1, +6 hundredths; mean 1.75, squares of deviations 5.0625, 14.0625, ...
    deviation = sqrt((2.25**2 + 3.75**2 + 2.75**2 + 4.25**2) / 3) / 100
    assert found.end == pytest.approx(0.07)
    assert found.peak == pytest.approx(0.07)
    assert found.volatility == pytest.approx(deviation)
    assert found.sharpe == pytest.approx(0.0175 / deviation)
    assert found.drawdown == pytest.approx(-0.03)


def test_steady_growth_has_no_volatility_and_no_ratio():
    found = progress([1.0, 2.0, 3.0])
    assert found is not None
    assert (found.volatility, found.sharpe, found.drawdown) == (0.0, None, 0.0)


def test_two_generations_are_too_few():
    assert progress([0.1, 0.2]) is None


@given(st.lists(st.floats(0, 1), min_size=3, max_size=30))
def test_bounds(means):
    found = progress(means)
    assert found is not None
    assert found.end <= found.peak
    assert found.drawdown <= 0 <= found.peak
    assert found.volatility >= 0
