"""Whether units foretell how a design does: naive Bayes on bags of units (tables 17 and 18)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from genesys.population.metrics.tables import table

FOLDS, LEVELS = 5, 4  # as in the paper
FORETOLD = pa.schema(
    {
        "what": pa.string(),  # fitness, or a task
        "folds": pa.float64(),
        "fold_deviation": pa.float64(),
        "leave_one_out": pa.float64(),
        "majority": pa.float64(),
        **{f"s{level + 1}": pa.int64() for level in range(LEVELS)},  # designs at each level
    }
)


@dataclass(frozen=True)
class Predictability:
    """How well a naive Bayes classifier tells the level of a value from bags of units.

    Attributes:
        folds: F1 on held-out designs, weighted by class, mean of five folds.
        fold_deviation: Its standard deviation over folds.
        leave_one_out: The same, each design held out alone.
        majority: F1 of always saying the commonest level: what units must beat.
        support: Number of designs at each level, the lowest first.
    """

    folds: float
    fold_deviation: float
    leave_one_out: float
    majority: float
    support: tuple[int, ...]


def foretold(designs: pa.Table, scores: pa.Table) -> pa.Table:
    """Fitness and then tasks (tables 17 and 18), best foretold first, by the schema ``FORETOLD``.

    A design's value for a task is its mean over scales. What cannot be told, as too few designs
    have it or all have the same, has a row without figures.

    Args:
        designs: By the schema ``DESIGNS``.
        scores: By the schema ``SCORES``.
    """
    rows = designs.filter(pc.greater(pc.list_value_length(designs["units"]), 0))
    names = rows["name"].to_pylist()
    if not names:
        return FORETOLD.empty_table()
    counts = _counts(rows["units"].to_pylist())
    places = {name: place for place, name in enumerate(names)}
    means = scores.group_by(["task", "design"], use_threads=False).aggregate([("value", "mean")])
    by_task: dict[str, dict[int, float]] = {}
    for row in means.to_pylist():
        if row["design"] in places:
            by_task.setdefault(row["task"], {})[places[row["design"]]] = row["value_mean"]
    fitness = enumerate(rows["fitness"].to_pylist())
    first = _row("fitness", counts, {place: value for place, value in fitness if value is not None})
    tasks = [_row(task, counts, values) for task, values in by_task.items()]
    return table([first, *sorted(tasks, key=_order)], FORETOLD)


def predictability(bags: Sequence[Sequence[str]], values: Sequence[float]) -> Predictability | None:
    """A row of table 17 or 18: levels are four equal parts of the range of values.

    Args:
        bags: Names of each design's units.
        values: What to tell, of each design, e.g. its fitness or the score of a task.

    Returns:
        None for fewer than ten designs, or for values that are all equal.
    """
    return _predictability(_counts(bags), values) if bags else None


def _predictability(counts: Any, values: Sequence[float]) -> Predictability | None:
    if len(values) < 2 * FOLDS or min(values) == max(values):
        return None
    from sklearn.model_selection import KFold

    levels = _levels(values)
    folds = KFold(FOLDS, shuffle=True, random_state=0)
    scores = [
        _f1(levels[held], _told(counts, levels, kept, held)) for kept, held in folds.split(levels)
    ]
    support = np.bincount(levels, minlength=LEVELS)
    return Predictability(
        folds=float(np.mean(scores)),
        fold_deviation=float(np.std(scores)),
        leave_one_out=_f1(levels, told_alone(counts, levels)),
        majority=_f1(levels, np.full_like(levels, support.argmax())),
        support=tuple(int(n) for n in support),
    )


def told_alone(counts: Any, levels: np.ndarray) -> np.ndarray:
    """The level of each design, told by a classifier that has seen all others.

    The same as fitting scikit-learn's ``MultinomialNB`` once for each design, which takes minutes
    for thousands of them: a design that is left out takes its counts out of its level's only.

    Args:
        counts: How often each design (row) has each unit (column), sparse, (N, U).
        levels: Of each design, (N,).
    """
    kinds, level = np.unique(levels, return_inverse=True)
    sums = np.stack([np.asarray(counts[level == k].sum(axis=0))[0] for k in range(len(kinds))])
    held = counts.tocoo()
    row, column, times = held.row, held.col, held.data
    # A unit that the other designs do not have is not in their vocabulary.
    shared = np.asarray(counts.sum(axis=0))[0][column] > times
    designs = len(levels)
    unknown = np.bincount(row[~shared], minlength=designs)
    size = np.bincount(row[shared], times[shared], designs)
    log_likelihood = np.empty((designs, len(kinds)))
    for k in range(len(kinds)):
        own = level == k
        left = sums[k][column] - times * own[row]
        per_unit = np.bincount(row[shared], (times * np.log(left + 1.0))[shared], designs)
        total = sums[k].sum() - np.asarray(counts.sum(axis=1))[:, 0] * own
        prior = own.sum() - own
        with np.errstate(divide="ignore"):  # a level without another design is never told
            log_likelihood[:, k] = np.log(prior / (designs - 1))
        vocabulary = counts.shape[1] - unknown
        log_likelihood[:, k] += per_unit - size * np.log(np.maximum(total + vocabulary, 1.0))
    return np.asarray(kinds[log_likelihood.argmax(axis=1)])


def _counts(bags: Sequence[Sequence[str]]) -> Any:
    """How often each design (row) has each unit (column), sparse."""
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(analyzer=lambda bag: bag).fit_transform(bags).tocsr()


def _row(what: str, counts: Any, values: dict[int, float]) -> dict[str, Any]:
    """Of those designs (rows of ``counts``) that have a value."""
    counts = counts[list(values)]
    seen = np.asarray(counts.sum(axis=0))[0] > 0
    found = _predictability(counts[:, seen], list(values.values()))
    if found is None:
        return {"what": what}
    support = {f"s{level + 1}": number for level, number in enumerate(found.support)}
    return {
        "what": what,
        "folds": found.folds,
        "fold_deviation": found.fold_deviation,
        "leave_one_out": found.leave_one_out,
        "majority": found.majority,
        **support,
    }


def _order(row: dict[str, Any]) -> tuple[float, str]:
    """By how much units tell more than the commonest level does; what is not known comes last."""
    ahead = row["leave_one_out"] - row["majority"] if "folds" in row else -1.0
    return -ahead, row["what"]


def _levels(values: Sequence[float]) -> np.ndarray:
    edges = np.linspace(min(values), max(values), LEVELS + 1)
    return np.digitize(values, edges[1:-1])


def _told(counts: Any, levels: np.ndarray, kept: np.ndarray, held: np.ndarray) -> np.ndarray:
    from sklearn.naive_bayes import MultinomialNB

    seen = np.asarray(counts[kept].sum(axis=0))[0] > 0  # the vocabulary
    model = MultinomialNB().fit(counts[kept][:, seen], levels[kept])
    return np.asarray(model.predict(counts[held][:, seen]))


def _f1(truth: np.ndarray, found: np.ndarray) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(truth, found, average="weighted", zero_division=0.0))
