"""A model is scored once on the same tasks, unless it is not to be believed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from genesys_verifiers.corpus import Corpus
from genesys_verifiers.evaluation.evaluate import BASELINE_ITEMS, Evaluator
from genesys_verifiers.evaluation.judging import baseline, judge
from genesys_verifiers.evaluation.kept import kept
from genesys_verifiers.evaluation.plan import Array
from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.settings import Settings, Task
from genesys_verifiers.tasks.config import TaskSet

from ..answers import VOCABULARY, WIDTH, Constant

TASK = Task(
    block="class GAB: ...",
    learning_rate=0.1,
    steps=4,
    seed=0,
    vocab_size=VOCABULARY,
    settings=Settings(),
)
SIZE, WEIGHTS = (2, 16), [np.arange(9, dtype=np.uint8)]


class Looking(Constant):
    """Looks one token ahead, and knows it."""

    def head(self) -> Array:
        return np.random.default_rng(0).normal(size=(VOCABULARY, WIDTH)).astype(np.float32)

    def hidden(self, ids: Array, rows: Array, columns: Array) -> Array:
        after = ids[rows, np.minimum(columns + 1, ids.shape[1] - 1)]
        return 3 * self.head()[after]


class Started:
    """Starts guests with a model, and counts them."""

    def __init__(self, model: Callable[[], Constant] = Constant) -> None:
        self.count, self._model = 0, model

    @contextmanager
    def __call__(self) -> Iterator[Constant]:
        self.count += 1
        yield self._model()


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENESYS_CACHE", str(tmp_path))


@pytest.fixture(scope="module")
def evaluator(corpus: Corpus) -> Evaluator:
    return Evaluator(corpus, 64, TaskSet(items=8), threads=2)


@pytest.fixture(scope="module")
def untrained(evaluator: Evaluator) -> dict[str, float]:
    return {score.task: score.value for score in evaluator.baseline(Constant())}


def test_a_model_is_scored_once(
    evaluator: Evaluator, untrained: dict[str, float], tmp_path: Path
) -> None:
    first, again, repaired = Started(), Started(), Started()
    found = kept(evaluator.key, TASK, SIZE, WEIGHTS)
    scores = judge(first, evaluator, untrained, found)
    assert judge(again, evaluator, untrained, found) == scores
    assert (first.count, again.count) == (2, 0)  # the second guest is for the audit
    assert all(score.untrained == untrained[score.task] for score in scores)
    (file,) = (tmp_path / "scores").iterdir()
    file.write_bytes(file.read_bytes()[:-9])
    assert judge(repaired, evaluator, untrained, found) == scores
    assert repaired.count == 2


def test_no_score_is_kept_of_a_model_that_looks_ahead(
    evaluator: Evaluator, untrained: dict[str, float], tmp_path: Path
) -> None:
    found = kept(evaluator.key, TASK, SIZE, WEIGHTS)
    for _ in range(2):
        with pytest.raises(DesignFaultError, match="looks ahead"):
            judge(Started(Looking), evaluator, untrained, found)
    assert not (tmp_path / "scores").exists()


def test_a_baseline_is_found_once_and_before_the_weights(evaluator: Evaluator) -> None:
    class Silent(Constant):
        def head(self) -> Array:
            raise AssertionError("it was asked again")

    found = kept(evaluator.key, TASK, SIZE)
    first = baseline(Constant(), evaluator, found)
    assert baseline(Silent(), evaluator, found) == first
    with pytest.raises(AssertionError, match="asked again"):
        baseline(Silent(), evaluator, kept(evaluator.key, TASK, SIZE, WEIGHTS))


def test_whatever_scores_depend_on_is_told_apart(corpus: Corpus, evaluator: Evaluator) -> None:
    few = Evaluator(corpus, 64, TaskSet(items=3))
    other = TASK.settings.model_copy(update={"threads": 1})
    variants = [
        kept(evaluator.key, TASK, SIZE),
        kept(evaluator.key, TASK, SIZE, WEIGHTS),
        kept(evaluator.key, TASK, (3, 16), WEIGHTS),
        kept(evaluator.key, TASK.model_copy(update={"block": "class GAB: pass"}), SIZE, WEIGHTS),
        kept(evaluator.key, TASK.model_copy(update={"seed": 1}), SIZE, WEIGHTS),
        kept(evaluator.key, TASK.model_copy(update={"settings": other}), SIZE, WEIGHTS),
        kept(few.key, TASK, SIZE, WEIGHTS),
        kept(Evaluator(corpus, 48, TaskSet(items=8)).key, TASK, SIZE, WEIGHTS),
    ]
    assert len({variant.file for variant in variants}) == len(variants)
    trained = TASK.settings.model_copy(update={"warmup": 0.5})
    again = kept(
        Evaluator(corpus, 64, TaskSet(items=8)).key,
        TASK.model_copy(update={"settings": trained}),
        SIZE,
        WEIGHTS[:],
    )
    assert again.file == variants[1].file


def test_a_task_set_may_ask_fewer_items(corpus: Corpus, evaluator: Evaluator) -> None:
    few = Evaluator(corpus, 64, TaskSet(items=4))
    (scores, more), (some, less), (same, _) = (e(Constant()) for e in (evaluator, few, few))
    assert some == same
    assert sum(len(batch.ids) for batch, _ in less) < sum(len(batch.ids) for batch, _ in more)
    assert BASELINE_ITEMS >= 12 and evaluator.baseline(Constant()) == scores


YAML = """
task: own
dataset_path: json
dataset_kwargs: {{data_files: {{validation: {0}}}}}
validation_split: validation
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: text
metric_list: [{{metric: {1}}}]
"""


@pytest.mark.parametrize("metric", ["word_perplexity", "byte_perplexity", "bits_per_byte"])
def test_texts_known_by_heart_are_doubted_whatever_the_metric(
    corpus: Corpus, tmp_path: Path, metric: str
) -> None:
    items = tmp_path / "texts.jsonl"
    items.write_text(json.dumps({"text": 99 * " the"}) + "\n")
    (tmp_path / "own.yaml").write_text(YAML.format(items, metric))
    evaluator = Evaluator(corpus, 64, TaskSet(name="own", source=str(tmp_path)))
    assert evaluator(Constant())[0][0].metric == metric

    class Knowing(Constant):
        def head(self) -> Array:
            return 20 * np.eye(VOCABULARY, dtype=np.float32)

        def hidden(self, ids: Array, rows: Array, columns: Array) -> Array:
            return np.eye(VOCABULARY, dtype=np.float32)[ids[rows, columns]]

    with pytest.raises(DesignFaultError, match="bits per byte cannot be: it knows the texts"):
        evaluator(Knowing())
