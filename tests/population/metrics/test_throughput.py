"""Equations 2 and 3 and table 19 against the paper's figures."""

from __future__ import annotations

import pytest

from genesys.population.metrics.throughput import (
    Rung,
    best_ratio,
    expected_verification,
    pessimistic,
    throughput,
)


def test_the_slower_stage_decides():
    assert throughput(4, 2, design=100, verification=10) == pytest.approx(0.04)
    assert throughput(4, 2, design=10, verification=100) == pytest.approx(0.02)


def test_neither_waits_at_the_best_ratio():
    ratio = best_ratio(design=50, verification=200)
    assert ratio == 4
    balanced = throughput(10, 40, 50, 200)
    assert balanced == throughput(10, 400, 50, 200) == throughput(100, 40, 50, 200)


def test_the_papers_ratio():
    # App. E.4.2: 20 minutes a design, 8.61% errors, 566 s of training and 30% more.
    assert best_ratio(20 * 60, 1.3 * 566, errors=0.0861) == pytest.approx(0.56, abs=0.005)


def test_expected_verification_by_hand():
    assert expected_verification([10, 100, 1000], [1.0, 0.5, 0.2]) == pytest.approx(160)


# Table 19, estimated hours by scale; for the middle case and the good one.
@pytest.mark.parametrize(
    ("seconds", "tokens", "trials", "hours"),
    [
        (46, 50, 1000, 31.9),
        (123, 40, 400, 27.3),
        (498, 30, 150, 31.1),
        (3258, 20, 40, 36.2),
        (174, 50, 1000, 120.8),
        (437, 40, 400, 97.1),
        (1338, 30, 150, 83.6),
        (8778, 20, 40, 97.5),
    ],
)
def test_the_papers_hours(seconds, tokens, trials, hours):
    assert Rung(seconds, tokens, trials).hours == pytest.approx(hours, abs=0.06)


def test_the_papers_bad_case():
    cases = [(46, 174, 302), (123, 437, 751), (498, 1338, 2178), (3258, 8778, 14298)]
    for good, middle, bad in cases:
        assert pessimistic(good, middle) == bad
