"""How many designers and verifiers keep each other busy, and how long a ladder takes (app. E.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


def throughput(designers: float, verifiers: float, design: float, verification: float) -> float:
    """Verified designs per second in a steady state (eq. 2).

    Args:
        designers: Designers at work, on average.
        verifiers: Verifiers at work, on average.
        design: Seconds that a designer takes for a design.
        verification: Seconds that a verifier takes for a design.
    """
    return min(designers / design, verifiers / verification)


def best_ratio(design: float, verification: float, errors: float = 0.0) -> float:
    """Verifiers for each designer at which neither waits (eq. 3).

    Args:
        design: Seconds that a designer takes for a design.
        verification: Seconds that a verifier takes for a design.
        errors: Share of designs that fail in verification; the others take as much more time.
    """
    return verification / (design / (1 - errors))


def expected_verification(seconds: Sequence[float], ratios: Sequence[float]) -> float:
    """Seconds of verification that a design takes on average (app. E.4.2).

    Args:
        seconds: That one takes at each scale, the lowest first.
        ratios: Share of the designs of the scale below that reach it; for the lowest, of all.
    """
    total, reached = 0.0, 1.0
    for time, ratio in zip(seconds, ratios, strict=True):
        reached *= ratio
        total += time * reached
    return total


@dataclass(frozen=True)
class Rung:
    """A rung of a ladder and what its trials take (table 19).

    Attributes:
        seconds: That one trial takes with ``measured`` tokens for each parameter.
        tokens: For each parameter, in the run.
        trials: At this rung.
        measured: Tokens for each parameter that ``seconds`` is of.
    """

    seconds: float
    tokens: float
    trials: int
    measured: float = 20.0

    @property
    def hours(self) -> float:
        """Of all its trials, one after the other."""
        return self.seconds * self.tokens / self.measured * self.trials / 3600


def pessimistic(optimistic: float, median: float) -> float:
    """Seconds in the bad case: as far above the median as the good one is below (table 19)."""
    return 2 * median - optimistic
