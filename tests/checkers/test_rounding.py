"""What counts as a change: against the size of its position and channel, beyond rounding."""

from __future__ import annotations

import numpy as np

from genesys_checkers.rounding import DOUBLE, Sizes, changes, roughness

EVERYWHERE = np.ones((1, 4, 1), dtype=bool)


def suspicious(Y: np.ndarray, change: np.ndarray) -> np.ndarray:
    return Sizes.of(Y, EVERYWHERE, DOUBLE).suspicious(np.abs(change))


def test_small_channel_is_held_against_itself() -> None:
    Y = np.ones((1, 4, 2)) * [1.0, 1e-5]
    assert suspicious(Y, Y * [0, 1e-8])[..., 1].all()
    assert not suspicious(Y, Y * [1e-10, 1e-10]).any()


def test_small_position_is_held_against_itself() -> None:
    Y = np.ones((1, 4, 2)) * np.array([1e-5, 1, 1, 1])[:, None]
    assert suspicious(Y, Y * 1e-8)[0, 0].all()


def test_rounding_of_a_channel_that_is_about_zero_is_no_change() -> None:
    Y = np.ones((1, 4, 2)) * [1.0, 1e-17]
    assert not suspicious(Y, Y * [0, 5]).any()


def test_what_becomes_infinite_has_moved_unless_it_was() -> None:
    Y, Y2 = np.zeros((1, 4, 1)), np.zeros((1, 4, 1))
    Y[0, 0] = Y2[0, :2] = np.nan
    assert changes(Y, Y2, EVERYWHERE, True)[0, :, 0].tolist() == [0, np.inf, 0, 0]
    assert not changes(Y, Y2, EVERYWHERE, False).any()


def test_what_is_smooth_is_not_rough() -> None:
    x = np.linspace(0.5, 2, 1000)

    def rough(f: np.ufunc, dtype: type) -> float:
        Y, Y1, Y2 = (f((x * (1 + step)).astype(dtype)) for step in (0, 1e-7, 2e-7))
        return float(roughness(Y, Y1, Y2).max())

    assert rough(np.exp, np.float64) < 1e-12
    assert 1e-8 < rough(np.exp, np.float32) < 1e-5
