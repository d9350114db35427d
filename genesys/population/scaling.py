"""The scaling fit: what a design's loss should be at the next scale, from all designs' reports.

Two or three rungs do not identify a power law of each design. So those that are verified at the
next scale too share its exponent, and a design has a factor of its own:
``loss = factor * compute ** exponent``. How far off that is, each of them tells when left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genesys.records import Forecast, Outcome, VerificationReport

METRIC = "bits_per_byte"
# Of fewer designs, the spread says little about how far off a forecast may be.
FEWEST = 4

Floats = NDArray[np.float64]


def compute(report: VerificationReport) -> float:
    """Floating-point operations of training, about: three forward passes of the blocks per token.

    Where they were not counted, a forward pass takes two per parameter.
    """
    return 3.0 * (report.flops or 2 * report.parameters) * report.tokens


def loss(report: VerificationReport) -> float | None:
    """Bits per byte on held-out text; None where they were not measured, or cannot be right."""
    values = [score.value for score in report.scores if score.metric == METRIC]
    if report.outcome is not Outcome.OK or not all(isfinite(v) and v > 0 for v in values):
        return None
    return sum(values) / len(values) if values else None


@dataclass(frozen=True)
class _Law:
    """A step to a scale: which designs it is from, what it rests on, and its loss's error."""

    where: str
    basis: str
    step: Floats | None = None
    error: float = 0.0


class ScalingFit:
    """Compute and loss of all designs at all scales.

    Args:
        reports: Of all designs; those without a loss do not count, several at a scale are one.

    Attributes:
        scales: Names of the scales, those with the least compute first.
    """

    def __init__(self, reports: Iterable[VerificationReport]) -> None:
        found: defaultdict[str, defaultdict[str, list[Floats]]]
        found = defaultdict(lambda: defaultdict(list))
        for report in reports:
            used, value = compute(report), loss(report)
            if value is not None and used > 0:
                found[report.scale][report.design].append(np.log([used, value]))
        means = {s: {d: _mean(points) for d, points in own.items()} for s, own in found.items()}
        # Of each scale and design: the logarithms of compute and loss.
        self._points = dict(sorted(means.items(), key=lambda item: _mean(item[1].values())[0]))
        self.scales = tuple(self._points)
        self._laws: dict[tuple[str, tuple[str, ...]], _Law] = {}

    def rungs(self, design: str) -> tuple[str, ...]:
        """The scales at which a design has a loss, those with the least compute first."""
        return tuple(scale for scale, points in self._points.items() if design in points)

    def point(self, design: str, scale: str) -> tuple[float, float]:
        """Compute and bits per byte of a design at one of its rungs."""
        used, value = np.exp(self._points[scale][design]).tolist()
        return used, value

    def forecast(self, design: str) -> Forecast:
        """A design's loss at the scale after its last rung, if enough others have been there."""
        rungs = self.rungs(design)
        if not rungs:
            return Forecast(design=design, scale="", basis="It has no bits per byte at any scale.")
        later = self.scales[self.scales.index(rungs[-1]) + 1 :]
        if not later:
            basis = f"No design has bits per byte above {rungs[-1]}."
            return Forecast(design=design, scale="", basis=basis)
        return Forecast(design=design, scale=later[0], **self._at(later[0], design, rungs))

    def _at(self, scale: str, design: str, rungs: tuple[str, ...]) -> dict[str, Any]:
        """Fields of the forecast at a scale."""
        law = self._law(scale, rungs)
        if law.step is None:
            return {"basis": law.basis}
        with np.errstate(over="ignore"):
            used, value = np.exp(self._start(design, rungs) + law.step).tolist()
        if not isfinite(value * law.error):
            return {"basis": f"The losses of the {law.where} are out of all proportion."}
        return {"compute": used, "value": value, "error": value * law.error, "basis": law.basis}

    def _law(self, scale: str, rungs: tuple[str, ...]) -> _Law:
        """What the designs at a scale and at these rungs share; the same for whoever asks."""
        if (scale, rungs) not in self._laws:
            self._laws[scale, rungs] = self._found(scale, rungs)
        return self._laws[scale, rungs]

    def _found(self, scale: str, rungs: tuple[str, ...]) -> _Law:
        others = [d for d in self._points[scale] if set(rungs) <= set(self.rungs(d))]
        where = f"{len(others)} design{'s' * (len(others) != 1)} verified at "
        where += f"{', '.join(rungs)} and {scale}"
        if len(others) < FEWEST:
            return _Law(where, f"There are only {where}; a forecast takes {FEWEST}.")
        steps = np.array([self._points[scale][d] - self._start(d, rungs) for d in others])
        if steps[:, 0].min() <= 0:
            return _Law(where, f"Not all {where} took more compute there.")
        step, error = extrapolate(steps)
        basis = f"The {where} share the exponent {step[1] / step[0]:.3f}."
        return _Law(where, basis, step, error)

    def _start(self, design: str, rungs: Sequence[str]) -> Floats:
        return _mean(self._points[scale][design] for scale in rungs)


def extrapolate(steps: Floats) -> tuple[Floats, float]:
    """The step that one more design should take.

    Args:
        steps: Of each of n designs, how much the logarithms of its compute (above 0) and its loss
            change; of shape (n, 2).

    Returns:
        Such a step of shape (2,), and the standard error of its loss: what each design's step is
        off when it is foretold from the others', widened as Student's t with n - 1 degrees of
        freedom is, so that two of three steps lie within it.
    """
    left = len(steps) - 1
    across, along = (steps.prod(1), steps[:, 0] ** 2)
    rest = (steps[:, 0].sum() - steps[:, 0]) / left
    foretold = rest * (across.sum() - across) / (along.sum() - along)
    spread = float(np.sqrt(np.mean((steps[:, 1] - foretold) ** 2)))
    width = float(steps[:, 0].mean())
    step = np.array([width, width * across.sum() / along.sum()])
    return step, spread * (1 + 1 / (2 * left) + 1 / (4 * left**2))


def _mean(points: Iterable[Floats]) -> Floats:
    mean: Floats = np.mean(list(points), axis=0)
    return mean
