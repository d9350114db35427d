"""Values, standard errors and chance levels of lm-eval's metrics."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from lm_eval.api import metrics

from genesys.records import Score

Array = np.ndarray[Any, Any]

# Which of a task's metrics is its score: the first of these that it has, else its own first one.
PREFERRED = ("acc_norm", "acc", "exact_match", "mcc", "f1", "bits_per_byte", "perplexity")
ACCURACIES = ("acc_norm", "acc")
DRAWS = 4096


@dataclass(frozen=True)
class Measured:
    """What lm-eval has found out about the items of a task.

    Attributes:
        raw: Per metric, what each item contributes to it.
        aggregations: Per metric, what makes one value of these.
        choices: Per item, the share of its choices that are right; empty when it has none.
    """

    raw: dict[str, list[Any]]
    aggregations: dict[str, Callable[[list[Any]], float]]
    choices: list[float]


def score(task: str, measured: Measured) -> Score:
    """The score of a task, by its preferred metric.

    Matthews' correlation becomes ``scaled_mcc``, half of one plus it: guessing then gives one half,
    and it can be averaged with accuracies (as in table 16).
    """
    metric = next((name for name in PREFERRED if name in measured.raw), next(iter(measured.raw)))
    items, aggregation = measured.raw[metric], measured.aggregations.get(metric, metrics.mean)
    value, error = float(aggregation(items)), _error(aggregation, items)
    if metric == "mcc" and error is not None:
        value, error = (1 + value) / 2, error / 2
        return Score(task=task, metric="scaled_mcc", value=value, stderr=error, chance=0.5)
    guessed = metric in ACCURACIES and measured.choices
    chance = float(np.mean(measured.choices)) if guessed else None
    return Score(task=task, metric=metric, value=value, stderr=error, chance=chance)


def mean_of(group: str, scores: Sequence[Score]) -> Score:
    """One score for tasks with one metric, each counting alike."""
    errors = [s.stderr for s in scores if s.stderr is not None]
    count = len(scores)

    def mean(values: Sequence[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return math.fsum(known) / count if len(known) == count else None

    return Score(
        task=group,
        metric=scores[0].metric,
        value=math.fsum(s.value for s in scores) / count,
        stderr=math.hypot(*errors) / count if len(errors) == count else None,
        chance=mean([s.chance for s in scores]),
        overlap=mean([s.overlap for s in scores]),
    )


def mean_error(items: Sequence[float]) -> float:
    """Of a mean; for an accuracy that of a binomial share."""
    return float(np.std(items) / math.sqrt(len(items)))


def perplexity_error(items: Sequence[float]) -> float:
    """Of ``exp(-mean)``, to first order."""
    return float(metrics.perplexity(items)) * mean_error(items)


def weighted_error(items: Sequence[tuple[float, float]]) -> float:
    """Of a sum of log-likelihoods over a sum of sizes, to first order."""
    likelihoods, sizes = np.array(items, dtype=np.float64).T
    rest = likelihoods - likelihoods.sum() / sizes.sum() * sizes
    return float(np.sqrt((rest**2).sum()) / sizes.sum())


def table_error(statistic: Callable[[Array], Array], items: Sequence[tuple[int, int]]) -> float:
    """Of a statistic of the confusion table, from tables drawn like the one that was found.

    This is what drawing items with replacement gives, without going through the items.
    """
    labels, codes = np.unique(np.array(items), return_inverse=True)
    size = max(2, len(labels))
    gold, said = codes.reshape(-1, 2).T
    table = np.bincount(gold * size + said, minlength=size * size)
    drawn = np.random.default_rng(0).multinomial(len(items), table / len(items), DRAWS)
    return float(np.std(statistic(drawn.reshape(-1, size, size).astype(np.float64))))


def f1(tables: Array) -> Array:
    """F1 of label 1, of tables of shape (N, 2, 2), right labels first."""
    hits, others = tables[:, 1, 1], tables[:, 0, 1] + tables[:, 1, 0]
    return _share(2 * hits, 2 * hits + others)


def mcc(tables: Array) -> Array:
    """Matthews' correlation of tables of shape (N, K, K), right labels first."""
    count, hits = tables.sum(axis=(1, 2)), np.trace(tables, axis1=1, axis2=2)
    gold, said = tables.sum(axis=2), tables.sum(axis=1)
    spread = (count**2 - (gold**2).sum(axis=1)) * (count**2 - (said**2).sum(axis=1))
    return _share(count * hits - (gold * said).sum(axis=1), np.sqrt(spread))


def _share(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _error(aggregation: Callable[..., float], items: Sequence[Any]) -> float | None:
    return ERRORS[aggregation](items) if aggregation in ERRORS else None


def _bits_error(items: Sequence[tuple[float, float]]) -> float:
    return weighted_error(items) / math.log(2)


def _weighted_perplexity_error(items: Sequence[tuple[float, float]]) -> float:
    return float(metrics.weighted_perplexity(items)) * weighted_error(items)


ERRORS: dict[Callable[..., float], Callable[..., float]] = {
    metrics.mean: mean_error,
    metrics.perplexity: perplexity_error,
    metrics.weighted_perplexity: _weighted_perplexity_error,
    metrics.bits_per_byte: _bits_error,
    metrics.f1_score: lambda items: table_error(f1, items),
    metrics.matthews_corrcoef: lambda items: table_error(mcc, items),
}
