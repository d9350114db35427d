"""How sure a fitness is: its standard error, an interval, and which designs are told apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import hypot, inf
from statistics import NormalDist, fmean

from genesys.records import Outcome, VerificationReport, error_of_mean

CONFIDENCE = 0.95


@dataclass(frozen=True)
class StandardError:
    """How far off a mean may be.

    Attributes:
        value: The standard error.
        freedom: Degrees of freedom it was estimated with; ``inf`` if it is as good as known.
    """

    value: float
    freedom: float = inf

    @property
    def margin(self) -> float:
        """Half the width of the interval that holds the truth in 95 of 100 cases."""
        return quantile(self.freedom) * self.value

    def around(self, mean: float) -> tuple[float, float]:
        """That interval."""
        return mean - self.margin, mean + self.margin

    def plus(self, other: StandardError) -> StandardError:
        """That of a sum or difference of independent means (Welch and Satterthwaite)."""
        value = hypot(self.value, other.value)
        if not value:
            return StandardError(0.0)
        parts = sum((e.value / value) ** 4 / e.freedom for e in (self, other))
        return StandardError(value, 1 / parts if parts else inf)

    def times(self, factor: float) -> StandardError:
        """That of so many times the mean."""
        return StandardError(abs(factor) * self.value, self.freedom)


def quantile(freedom: float) -> float:
    """Of Student's t, two-sided, for 95%: to 1% from two degrees of freedom on.

    An expansion in ``1 / freedom``, whose first term is the normal distribution's quantile.
    """
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return sum(term * (1 / freedom) ** power for power, term in enumerate(terms))


def standard_error(reports: Iterable[VerificationReport]) -> StandardError | None:
    """Of the mean accuracy over tasks and verified scales; None if a task gives none.

    Tasks have different items. Scales have the same ones, so that the error that comes from the
    items does not shrink with their number. Where a scale has several seeds, the spread of their
    mean accuracies adds to it; a single seed tells of no spread, and none is counted.
    """
    good = [r for r in reports if r.outcome is Outcome.OK and r.fitness is not None]
    items = [_of_items(report) for report in good]
    known = [error for error in items if error is not None]
    if not known or len(known) < len(items):
        return None
    total = StandardError(fmean(known))
    for report in good:
        total = total.plus(_of_seeds(report).times(1 / len(good)))
    return total


def told_apart(
    first: float, error: StandardError | None, second: float, other: StandardError | None
) -> bool | None:
    """Whether two designs differ by more than chance would have it in 95 of 100 cases.

    None when an error is not known. Both are taken for independent, which errs towards "no" for
    designs that answered the same items.
    """
    if error is None or other is None:
        return None
    return abs(first - second) > error.plus(other).margin


def _of_items(report: VerificationReport) -> float | None:
    errors = [score.item_error for score in report.scores if score.is_accuracy]
    known = [error for error in errors if error is not None]
    return hypot(*known) / len(known) if len(known) == len(errors) else None


def _of_seeds(report: VerificationReport) -> StandardError:
    """Of the mean accuracy over the tasks, from its values for each seed."""
    seeds = [score.by_seed for score in report.scores if score.is_accuracy]
    values = [fmean(of_one) for of_one in zip(*seeds, strict=False)]
    if len(values) < 2:
        return StandardError(0.0)
    return StandardError(error_of_mean(values), len(values) - 1)
