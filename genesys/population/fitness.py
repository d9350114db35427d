"""Fitness and confidence: what a design's verification reports say of it (eq. 1, sec. 4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from genesys.population.terms import TERMS
from genesys.population.uncertainty import StandardError, standard_error
from genesys.records import Outcome, VerificationReport

Weights = Mapping[str, float]  # of the terms
EQUATION_1: Weights = {"accuracy": 1.0}


def verified_scales(reports: Iterable[VerificationReport]) -> set[str]:
    """Names of the scales at which training and evaluation ended well."""
    return {report.scale for report in reports if report.outcome is Outcome.OK}


def confidence(reports: Iterable[VerificationReport]) -> int:
    """Number of verified scales."""
    return len(verified_scales(reports))


def fitness(reports: Iterable[VerificationReport], weights: Weights = EQUATION_1) -> float | None:
    """Mean over verified scales of the weighted sum of terms; None for an unverified design.

    By default the mean accuracy over tasks and verified scales (eq. 1). Scales count alike; where
    they evaluate the same tasks, this is the equation's mean over both.
    """
    values = [value for r in reports if (value := _at_one_scale(r, weights)) is not None]
    return sum(values) / len(values) if values else None


def fitness_error(
    reports: Iterable[VerificationReport], weights: Weights = EQUATION_1
) -> StandardError | None:
    """Standard error of the fitness: that of its accuracy. Other terms count as exact.

    None if it is not known, or accuracy is no part of the fitness.
    """
    weight = weights.get("accuracy", 0.0)
    error = standard_error(reports)
    return error.times(weight) if error and weight else None


def _at_one_scale(report: VerificationReport, weights: Weights) -> float | None:
    """A term without a measurement adds nothing; None if no term has one."""
    if report.outcome is not Outcome.OK:
        return None
    parts = [
        weight * value
        for name, term in TERMS.items()
        if (weight := weights.get(name)) and (value := term(report)) is not None
    ]
    return sum(parts) if parts else None
