"""Stops trainings that go wrong (app. B.1.4, table 8)."""

from __future__ import annotations

import math
from collections import deque
from statistics import fmean

from genesys_verifiers.faults import DesignFaultError

MOST_LOSS = 1e4
MOST_GRAD_NORM = 1e4
STEPS_TIMED = 8


class Monitors:
    """Watches loss, gradient norm and step time.

    A step's time is the processor time of its guest, seen from outside, the mean of eight steps in
    a row after the first: how busy the machine is changes it little. Loss and gradient norm are
    what the guest says.

    Args:
        reference_seconds: Processor time of one step of the GPT reference.
        most_ratio: How many times that a step may take.
    """

    def __init__(self, reference_seconds: float, most_ratio: float) -> None:
        self._limit, self._ratio = reference_seconds * most_ratio, most_ratio
        self._times: deque[float] = deque(maxlen=STEPS_TIMED)
        self._warm = False

    def pause(self) -> None:
        """Leave the next step's time out: a new guest takes it, and has to warm up."""
        self._warm = False

    def check(self, loss: float, grad_norm: float, seconds: float) -> None:
        """Check one finished step; ``loss`` in nats, ``seconds`` of processor time.

        Raises:
            DesignFaultError: A limit of table 8 is broken; says which.
        """
        if self._warm:
            self._times.append(seconds)
        self._warm = True
        slow = len(self._times) == STEPS_TIMED and fmean(self._times) > self._limit
        for wrong, what in (
            (not math.isfinite(loss), f"the loss is {loss}"),
            (loss > MOST_LOSS, f"the loss explodes: {loss:.3g} > {MOST_LOSS:g}"),
            (loss <= 0, f"the loss vanishes: {loss:.3g}"),
            (not math.isfinite(grad_norm), f"the gradient norm is {grad_norm}"),
            (grad_norm > MOST_GRAD_NORM, f"the gradient explodes: norm {grad_norm:.3g}"),
            (slow, f"a step takes more than {self._ratio:g} times the GPT reference's time"),
        ):
            if wrong:
                raise DesignFaultError(what)
