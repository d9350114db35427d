"""Replaced inputs keep what must not matter and change the rest."""

from __future__ import annotations

import numpy as np

from genesys_checkers.rounding import DOUBLE
from genesys_checkers.schedule import EVERY, schedule
from genesys_checkers.trials import Trial


def test_each_cut_is_tried_once_and_all_before_it_is_kept() -> None:
    trial = Trial(9, tuple(range(1, 9)), rows=3)
    X = trial.original(DOUBLE, 4)
    seen = []
    for X2, cuts in trial.replaced(X, DOUBLE):
        for x, x2, cut in zip(X, X2, cuts, strict=True):
            assert np.array_equal(x[:cut], x2[:cut])
            assert (x[cut:] != x2[cut:]).all()
            seen.append(int(cut))
    assert sorted(set(seen)) == list(range(1, 9))
    assert len(seen) == 9


def test_every_row_is_kept_while_the_others_are_replaced() -> None:
    trial = Trial(5)
    X = trial.original(DOUBLE, 4)
    for row, (X2, cuts) in enumerate(trial.replaced(X, DOUBLE)):
        kept = (X == X2).all((1, 2))
        assert kept.tolist() == [r == row for r in range(4)]
        assert cuts.tolist() == [5 if r == row else 0 for r in range(4)]


def test_scales_hold_before_and_after_the_cut() -> None:
    trial = Trial(50, (25, 25), rows=2, scales=((1.0, 100.0), (0.01, 1.0)))
    (X2, _), *_ = trial.replaced(trial.original(DOUBLE, 8), DOUBLE)
    sizes = np.sqrt(np.square(X2.reshape(2, 2, 25, 8)).mean((2, 3)))
    assert np.allclose(sizes, [[1, 100], [0.01, 1]], rtol=0.3)


def test_text_of_tokens_repeats_vectors() -> None:
    X = Trial(100, (1,), rows=2, alphabet=8).original(DOUBLE, 4)
    assert len(np.unique(X.reshape(-1, 4), axis=0)) <= 8


def test_schedule_has_every_cut_at_127() -> None:
    assert sorted(EVERY) == list(range(1, 127))
    assert any(trial.cuts == EVERY for series in schedule() for trial in series.trials)
