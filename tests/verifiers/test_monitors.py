from __future__ import annotations

import math

import pytest

from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.monitors import STEPS_TIMED, Monitors


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
        Monitors(1.0, 10).check(loss, grad_norm, 1.0)


def test_a_step_may_be_slow_now_and_then() -> None:
    monitors = Monitors(reference_seconds=1.0, most_ratio=10)
    for step in range(1, 30):
        monitors.check(7.0, 1.0, 60.0 if step % STEPS_TIMED == 0 else 2.0)


def test_steps_that_are_slow_on_average_are_a_fault() -> None:
    monitors = Monitors(reference_seconds=1.0, most_ratio=10)
    with pytest.raises(DesignFaultError, match="a step takes more than 10"):
        for step in range(STEPS_TIMED + 1):
            monitors.check(7.0, 1.0, 90.0 if step == 5 else 1.0)


def test_the_first_step_may_take_long() -> None:
    monitors = Monitors(reference_seconds=1.0, most_ratio=10)
    for step in range(2 * STEPS_TIMED):
        monitors.check(7.0, 1.0, 1.0 if step else 999.0)


def test_always_slow_steps_are_a_fault() -> None:
    monitors = Monitors(reference_seconds=1.0, most_ratio=10)
    for _ in range(STEPS_TIMED):
        monitors.check(7.0, 1.0, 11.0)
    with pytest.raises(DesignFaultError, match="a step takes more than 10"):
        monitors.check(7.0, 1.0, 11.0)
