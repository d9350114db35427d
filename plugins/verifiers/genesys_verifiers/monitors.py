"""Stops trainings that go wrong (app. B.1.4, table 8)."""

from __future__ import annotations

import math
from collections import deque
from statistics import fmean

from genesys_verifiers.faults import DesignFaultError

MOST_LOSS = 1e4
MOST_GRAD_NORM = 1e4
STEPS_TIMED = 8
# When progress is judged. The seeds and the designs of a demo run are below their first losses
# after a tenth of their training.
SHARE, LEAST_STEPS = 0.5, 100
STEPS_AVERAGED = 8


class Monitors:
    """Watches loss, gradient norm, step time and progress.

    A step's time is the processor time of its guest, seen from outside, the mean of eight steps in
    a row after the first: how busy the machine is changes it little. Loss and gradient norm are
    what the guest says.

    Args:
        reference_seconds: Processor time of one step of the GPT reference.
        most_ratio: How many times that a step may take.
        steps: Of the whole training.
    """

    def __init__(self, reference_seconds: float, most_ratio: float, steps: int) -> None:
        self._progress = Progress(steps)
        self._limit, self._ratio = reference_seconds * most_ratio, most_ratio
        self._times: deque[float] = deque(maxlen=STEPS_TIMED)
        self._warm = False

    def pause(self) -> None:
        """Time steps anew, without the next one: a new guest takes it, and has to warm up."""
        self._times.clear()
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
        self._progress.check(loss)


class Progress:
    """Sees whether the loss has ever been below where it began, in the mean of eight steps.

    Half of a training, and a hundred steps at least, is time enough: what fails then has not even
    learnt how frequent tokens are, which embedding and head can do without any block.

    Args:
        steps: Of the whole training.
    """

    def __init__(self, steps: int) -> None:
        self._judged = max(LEAST_STEPS, math.ceil(SHARE * steps))
        self._losses: deque[float] = deque(maxlen=STEPS_AVERAGED)
        self._step, self._first, self._least = 0, math.inf, math.inf

    def check(self, loss: float) -> None:
        """Take in the loss of one more step, in nats.

        Raises:
            DesignFaultError: It is time, and there was no progress at all.
        """
        self._step += 1
        self._losses.append(loss)
        mean = fmean(self._losses)
        if self._step <= STEPS_AVERAGED:
            self._first = mean
            return
        self._least = min(self._least, mean)
        if self._step >= self._judged and self._least >= self._first:
            raise DesignFaultError(
                f"no progress: in {self._step} steps the loss was never below {self._first:.3g}, "
                f"where it began, and is {mean:.3g}"
            )
