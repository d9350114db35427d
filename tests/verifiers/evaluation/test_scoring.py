from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from lm_eval.api import metrics

from genesys.records import Score, VerificationReport
from genesys_verifiers.evaluation.scoring import ERRORS, Measured, mean_of, score

RNG = np.random.default_rng(0)
PAIRS = [(int(g), int(g ^ (RNG.random() < 0.3))) for g in RNG.integers(0, 2, 400)]
SIZED = [(-float(n * RNG.uniform(1, 3)), int(n)) for n in RNG.integers(20, 400, 300)]


def measured(metric: str, items: list[Any], aggregation: Any, **choices: Any) -> Measured:
    return Measured({metric: items}, {metric: aggregation}, choices.get("choices", []))


@pytest.mark.parametrize(
    ("aggregation", "items"),
    [
        (metrics.mean, [float(x) for x in RNG.random(300) < 0.7]),
        (metrics.perplexity, [-float(x) for x in RNG.uniform(1, 4, 300)]),
        (metrics.weighted_perplexity, SIZED),
        (metrics.bits_per_byte, SIZED),
        (metrics.f1_score, PAIRS),
        (metrics.matthews_corrcoef, PAIRS),
        (metrics.matthews_corrcoef, [(g + (i % 3), s) for i, (g, s) in enumerate(PAIRS)]),
    ],
)
def test_standard_errors_are_those_of_resampled_items(aggregation: Any, items: list[Any]) -> None:
    resampled = [
        aggregation([items[i] for i in RNG.integers(0, len(items), len(items))]) for _ in range(400)
    ]
    assert ERRORS[aggregation](items) == pytest.approx(np.std(resampled), rel=0.15)


def test_all_standard_errors_of_a_large_task_take_under_a_second() -> None:
    answers = [(int(g), int(s)) for g, s in RNG.integers(0, 2, (40_000, 2))]
    sized = [(-1.0, 2.0)] * 40_000
    started = time.process_time()
    for aggregation, error in ERRORS.items():
        items: list[Any] = [1.0] * 40_000
        if aggregation in (metrics.f1_score, metrics.matthews_corrcoef):
            items = answers
        elif aggregation in (metrics.bits_per_byte, metrics.weighted_perplexity):
            items = sized
        error(items)
    assert time.process_time() - started < 1


def test_an_accuracy_has_the_error_of_a_share_and_the_chance_of_its_items() -> None:
    found = score("t", measured("acc", [1.0, 0.0, 1.0, 1.0], metrics.mean, choices=[0.5, 0.25]))
    assert (found.metric, found.value, found.chance) == ("acc", 0.75, 0.375)
    assert found.stderr == pytest.approx(math.sqrt(0.75 * 0.25 / 4))


def test_a_normalised_accuracy_comes_first_and_a_perplexity_last() -> None:
    raw = {"acc": [1.0, 1.0], "f1": [(1, 1), (0, 0)], "acc_norm": [0.0, 1.0]}
    assert score("t", Measured(raw, {}, [0.5])).metric == "acc_norm"
    raw = {"perplexity": [-1.0, -2.0], "acc": [0.0, 0.0]}
    assert score("t", Measured(raw, {}, [])).metric == "acc"


def test_a_perplexity_has_no_chance_level_and_is_no_accuracy() -> None:
    found = score("t", measured("perplexity", [-1.0, -3.0], metrics.perplexity))
    assert found.value == pytest.approx(math.exp(2))
    assert found.chance is None
    assert not found.is_accuracy


def test_matthews_correlation_is_scaled_so_that_it_counts_like_an_accuracy() -> None:
    good = score("t", measured("mcc", [(0, 0), (1, 1)] * 20, metrics.matthews_corrcoef))
    one_sided = score("t", measured("mcc", [(0, 1), (1, 1)] * 20, metrics.matthews_corrcoef))
    assert (good.value, good.stderr, good.chance) == (1.0, 0.0, 0.5)
    assert (one_sided.value, one_sided.stderr) == (0.5, 0.0)
    assert good.is_accuracy


def test_an_unknown_metric_has_no_error() -> None:
    assert score("t", measured("own", [1.0, 2.0], max)).stderr is None


def test_a_group_is_the_mean_of_its_tasks() -> None:
    parts = [
        Score(task="a", metric="acc", value=0.5, stderr=0.03, chance=0.5),
        Score(task="b", metric="acc", value=0.7, stderr=0.04, chance=0.25),
    ]
    assert mean_of("g", parts) == Score(
        task="g", metric="acc", value=0.6, stderr=0.025, chance=0.375
    )


def test_fitness_takes_accuracies_of_all_kinds_and_no_losses() -> None:
    scores = [
        Score(task="a", metric="acc", value=0.2),
        Score(task="b", metric="acc_norm", value=0.4),
        Score(task="c", metric="scaled_mcc", value=0.6),
        Score(task="d", metric="bits_per_byte", value=2.0),
        Score(task="e", metric="perplexity", value=50.0),
    ]
    assert VerificationReport(design="d", scale="s", scores=scores).fitness == pytest.approx(0.4)
