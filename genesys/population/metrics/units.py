"""Units: how many, how often, reused or new, and whether they foretell fitness (app. E.3.2, 3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np
import pyarrow as pa

FOLDS, LEVELS = 5, 4  # as in the paper


@dataclass(frozen=True)
class UnitStatistics:
    """Use and reuse of units over designs.

    Attributes:
        per_design: Mean number of units of a design.
        median_per_design: Its median.
        uses: Designs that have each unit, the commonest first.
        reuse: Mean share of a child's units that earlier designs have, too.
        median_reuse: Its median.
    """

    per_design: float
    median_per_design: float
    uses: dict[str, int]
    reuse: float
    median_reuse: float


def unit_statistics(designs: pa.Table) -> UnitStatistics | None:
    """Of all designs whose units are known; None if there are none.

    Args:
        designs: By the schema ``DESIGNS``.
    """
    rows = [row for row in designs.to_pylist() if row["units"]]
    if not rows:
        return None
    shares = [len(r["reused"]) / len(r["units"]) for r in rows if not r["seed"]] or [0.0]
    uses = Counter(unit for row in rows for unit in set(row["units"]))
    return UnitStatistics(
        per_design=fmean(len(row["units"]) for row in rows),
        median_per_design=median(len(row["units"]) for row in rows),
        uses=dict(sorted(uses.items(), key=lambda use: (-use[1], use[0]))),
        reuse=fmean(shares),
        median_reuse=median(shares),
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


def predictability(bags: Sequence[Sequence[str]], values: Sequence[float]) -> Predictability | None:
    """Tables 17 and 18: levels are four equal parts of the range of values.

    Args:
        bags: Names of each design's units.
        values: What to tell, of each design, e.g. its fitness or the score of a task.

    Returns:
        None for fewer than ten designs, or for values that are all equal.
    """
    if len(values) < 2 * FOLDS or min(values) == max(values):
        return None
    from sklearn.model_selection import KFold, LeaveOneOut

    levels = _levels(values)
    folds = KFold(FOLDS, shuffle=True, random_state=0)
    scores = [
        _f1(levels[held], _foretold(bags, levels, kept, held)) for kept, held in folds.split(levels)
    ]
    alone = np.array(
        [_foretold(bags, levels, kept, held)[0] for kept, held in LeaveOneOut().split(levels)]
    )
    support = np.bincount(levels, minlength=LEVELS)
    return Predictability(
        folds=float(np.mean(scores)),
        fold_deviation=float(np.std(scores)),
        leave_one_out=_f1(levels, alone),
        majority=_f1(levels, np.full_like(levels, support.argmax())),
        support=tuple(int(n) for n in support),
    )


def _levels(values: Sequence[float]) -> np.ndarray:
    edges = np.linspace(min(values), max(values), LEVELS + 1)
    return np.digitize(values, edges[1:-1])


def _foretold(
    bags: Sequence[Sequence[str]], levels: np.ndarray, kept: np.ndarray, held: np.ndarray
) -> np.ndarray:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    counts = CountVectorizer(analyzer=lambda bag: bag)
    model = make_pipeline(counts, MultinomialNB())
    model.fit([bags[i] for i in kept], levels[kept])
    return np.asarray(model.predict([bags[i] for i in held]))


def _f1(truth: np.ndarray, found: np.ndarray) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(truth, found, average="weighted", zero_division=0.0))
