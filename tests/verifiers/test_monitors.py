from __future__ import annotations

import math
from collections.abc import Iterable
from random import Random

import pytest

from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.monitors import STEPS_TIMED, Monitors


def monitors(steps: int = 1000) -> Monitors:
    return Monitors(reference_seconds=1.0, most_ratio=10, steps=steps)


def stopped_at(losses: Iterable[float], steps: int) -> int:
    """The step at which such a training is stopped; 0 if it is not."""
    watch = monitors(steps)
    for step, loss in enumerate(losses, 1):
        try:
            watch.check(loss, 1.0, 1.0)
        except DesignFaultError as fault:
            assert "no progress" in str(fault)
            return step
    return 0


@pytest.mark.parametrize(
    ("loss", "grad_norm", "told"),
    [
        (math.nan, 1.0, "loss is nan"),
        (2e4, 1.0, "loss explodes"),
        (0.0, 1.0, "loss vanishes"),
        (7.0, math.inf, "norm is inf"),
        (7.0, 2e4, "gradient explodes"),
    ],
)
def test_limits(loss: float, grad_norm: float, told: str) -> None:
    with pytest.raises(DesignFaultError, match=told):
        monitors().check(loss, grad_norm, 1.0)


def test_a_step_may_be_slow_now_and_then() -> None:
    watch = monitors()
    for step in range(1, 30):
        watch.check(7.0, 1.0, 60.0 if step % STEPS_TIMED == 0 else 2.0)


def test_steps_that_are_slow_on_average_are_a_fault() -> None:
    watch = monitors()
    with pytest.raises(DesignFaultError, match="a step takes more than 10"):
        for step in range(STEPS_TIMED + 1):
            watch.check(7.0, 1.0, 90.0 if step == 5 else 1.0)


def test_the_first_step_may_take_long() -> None:
    watch = monitors()
    for step in range(2 * STEPS_TIMED):
        watch.check(7.0, 1.0, 1.0 if step else 999.0)


def test_steps_before_a_pause_do_not_make_up_for_slow_ones_after_it() -> None:
    watch = monitors()
    for _ in range(2 * STEPS_TIMED):
        watch.check(7.0, 1.0, 0.0)
    watch.pause()
    for _ in range(STEPS_TIMED):
        watch.check(7.0, 1.0, 11.0)
    with pytest.raises(DesignFaultError, match="a step takes more than 10"):
        watch.check(7.0, 1.0, 11.0)


def test_always_slow_steps_are_a_fault() -> None:
    watch = monitors()
    for _ in range(STEPS_TIMED):
        watch.check(7.0, 1.0, 11.0)
    with pytest.raises(DesignFaultError, match="a step takes more than 10"):
        watch.check(7.0, 1.0, 11.0)


@pytest.mark.parametrize("steps", [250, 1000])
def test_a_loss_that_never_falls_stops_a_training_half_way(steps: int) -> None:
    for losses in ([7.6] * steps, [7.6 + 0.001 * step for step in range(steps)]):
        assert stopped_at(losses, steps) == steps / 2


def test_a_loss_that_explodes_and_comes_back_in_time_is_none_that_stops() -> None:
    losses = [7.6] * 20 + [40.0] * 400 + [7.5] * 580
    assert stopped_at(losses, 1000) == 0


def test_any_fall_is_progress() -> None:
    assert stopped_at([7.6] * 100 + [7.59] * 8 + [9.0] * 892, 1000) == 0


def test_noise_alone_is_not_refused() -> None:
    random = Random(0)
    assert stopped_at((random.gauss(7.6, 0.05) for _ in range(1000)), 1000) == 0


def test_short_trainings_are_not_judged() -> None:
    assert stopped_at([7.6] * 99, 99) == 0
    assert stopped_at([7.6] * 100, 100) == 100
