"""Unit-wise generation against direct prompting, measured beside the formulas of app. A.1."""

from __future__ import annotations

from math import sqrt
from statistics import mean, stdev

import pytest

from genesys.cli.config import checker_of
from genesys_agents.testing import unit_wise
from genesys_agents.testing.chain import Chain
from genesys_agents.testing.unit_wise import (
    DIRECT,
    UNIT_WISE,
    UNIT_WISE_LIMITED,
    WHOLE,
    Outcome,
    hold,
    share_valid,
)

UNITS, P = 5, 0.5


def sessions(count, units, p, way) -> list[Outcome]:
    return [hold(units, p, seed, way) for seed in range(count)]


def test_unit_wise_makes_valid_designs_where_direct_does_not():
    unit_wise_share = mean(o.valid for o in sessions(10, UNITS, P, UNIT_WISE_LIMITED))
    direct = sessions(60, UNITS, P, DIRECT)
    assert unit_wise_share >= 0.9
    assert share_valid(UNITS, P, 5, 5) > 0.99
    share = mean(o.valid for o in direct)
    expected = share_valid(UNITS, P, 1, 1)
    assert share < 0.1
    assert abs(share - expected) < 4 * sqrt(expected * (1 - expected) / len(direct))
    assert {o.calls for o in direct} == {1}


@pytest.mark.parametrize(
    ("way", "formula"), [(UNIT_WISE, "calls_unit_wise"), (WHOLE, "calls_direct")]
)
def test_calls_are_those_of_the_formulas(way, formula):
    outcomes = sessions(16, 3, P, way)
    assert all(outcome.valid for outcome in outcomes)
    calls = [outcome.calls for outcome in outcomes]
    expected = getattr(unit_wise, formula)(3, P)
    assert abs(mean(calls) - expected) < 4 * stdev(calls) / sqrt(len(calls))


def test_a_sure_coder_needs_one_call_a_unit_or_one_in_all():
    assert hold(3, 1.0, 0, UNIT_WISE).calls == 3
    assert hold(3, 1.0, 0, WHOLE).calls == 1


@pytest.mark.slow
def test_real_checkers_accept_what_the_coder_means():
    outcome = hold(2, 1.0, 0, UNIT_WISE_LIMITED, checker_of([]))
    assert outcome.valid
    assert outcome.calls == len(Chain(2).codes)
