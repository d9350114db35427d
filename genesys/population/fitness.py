"""Fitness and confidence: what a design's verification reports say of it (eq. 1, sec. 4.3)."""

from __future__ import annotations

from collections.abc import Iterable

from genesys.records import Outcome, VerificationReport


def verified_scales(reports: Iterable[VerificationReport]) -> set[str]:
    """Names of the scales at which training and evaluation ended well."""
    return {report.scale for report in reports if report.outcome is Outcome.OK}


def confidence(reports: Iterable[VerificationReport]) -> int:
    """Number of verified scales."""
    return len(verified_scales(reports))


def fitness(reports: Iterable[VerificationReport]) -> float | None:
    """Mean accuracy over tasks and verified scales (eq. 1); None for an unverified design.

    Every scale evaluates the same tasks, so the mean over scales of the mean over tasks is the
    equation's mean over both.
    """
    values = [report.fitness for report in reports if report.fitness is not None]
    return sum(values) / len(values) if values else None
