"""Terms of the fitness: what one report says of a design, without a unit, the more the better.

A term is None where its report has no measurement of it. Terms that compare with the GPT reference
are binary logarithms: 1 is twice as good, -1 half as good.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log2

from genesys.records import Efficiency, VerificationReport

BITS = 8.0  # of a byte
Term = Callable[[VerificationReport], float | None]


def accuracy(report: VerificationReport) -> float | None:
    """Mean accuracy over the tasks, 0 to 1."""
    return report.fitness


def bits_per_byte(report: VerificationReport) -> float | None:
    """``1 - bits per byte / 8``: the share of held-out text that the model saves."""
    values = [score.value for score in report.scores if score.metric == "bits_per_byte"]
    return saved(sum(values) / len(values)) if values else None


def saved(bits: float) -> float:
    """``1 - bits / 8``, of bits per byte."""
    return 1.0 - bits / BITS


def speed(report: VerificationReport) -> float | None:
    """``log2`` of tokens per second in training over the reference's, at the greatest length."""
    return _ratio(report, lambda measured: measured.train_tokens_per_second)


def prefill_memory(report: VerificationReport) -> float | None:
    """``-log2`` of the most memory of a prefill over the reference's, at the greatest length."""
    ratio = _ratio(report, lambda measured: measured.prefill_memory_mb)
    return None if ratio is None else -ratio


def flops(report: VerificationReport) -> float | None:
    """``-log2`` of operations per token over two for each parameter: 0 if each is used once."""
    if report.flops <= 0 or report.parameters <= 0:
        return None
    return -log2(report.flops / (2 * report.parameters))


TERMS: dict[str, Term] = {
    "accuracy": accuracy,
    "bits_per_byte": bits_per_byte,
    "speed": speed,
    "prefill_memory": prefill_memory,
    "flops": flops,
}
# The one that takes more than a report: bits_per_byte at the next scale, as the fit foretells it.
FORECAST = "forecast"


def _ratio(report: VerificationReport, quantity: Callable[[Efficiency], float]) -> float | None:
    """Logarithm of the design's over the reference's, where both were measured at a length."""
    rows = report.efficiency
    for reference, design in reversed(list(zip(rows[::2], rows[1::2], strict=False))):
        base, own = quantity(reference), quantity(design)
        if base > 0 and own > 0:
            return log2(own / base)
    return None
