from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genesys_verifiers.corpus import Corpus, prepare
from genesys_verifiers.evaluation.likelihood import Model
from genesys_verifiers.probes.evaluator import ProbeEvaluator
from genesys_verifiers.probes.source import ProbeSource, held_out
from genesys_verifiers.tasks.probes import CHOICES, PROBES, VOCABULARY

Array = np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return prepare(ProbeSource(), tmp_path_factory.mktemp("cache"))


class Knowing:
    """Says the right answer at each place of one probe, or a wrong one, and guesses elsewhere.

    Args:
        corpus: With the answers.
        probe: The probe.
        shift: Of its answers from the right ones.
    """

    def __init__(self, corpus: Corpus, probe: str, shift: int = 0) -> None:
        self._answers: dict[tuple[bytes, int], list[int]] = {}
        found = held_out(corpus)[probe]
        for ids, columns, targets in zip(found.ids, found.columns, found.targets, strict=True):
            for column, target in zip(columns, targets, strict=True):
                said = target - target % CHOICES + (target + shift) % CHOICES
                self._answers.setdefault((ids.tobytes(), int(column)), []).append(said)

    def head(self) -> Array:
        return np.eye(VOCABULARY, dtype=np.float32)

    def hidden(self, ids: Array, rows: Array, columns: Array) -> Array:
        found = np.zeros((len(rows), VOCABULARY), dtype=np.float32)
        for place, (row, column) in enumerate(zip(rows, columns, strict=True)):
            found[place, self._answers.get((ids[row].tobytes(), int(column)), [])] = 5.0
        return found


def accuracies(corpus: Corpus, model: Model) -> dict[str, float]:
    scores, scored = ProbeEvaluator(corpus)(model)
    assert all(len(batch.targets) == len(logs) for batch, logs in scored)
    assert all(score.is_accuracy and score.chance == 1 / CHOICES for score in scores)
    return {score.task: score.value for score in scores}


@pytest.mark.parametrize("name", ["in_context_recall", "compression"])
def test_right_answers_count_and_wrong_ones_do_not(corpus: Corpus, name: str) -> None:
    right = accuracies(corpus, Knowing(corpus, name))
    wrong = accuracies(corpus, Knowing(corpus, name, shift=3))
    assert list(right) == list(PROBES)
    assert right[name] == 1.0
    assert wrong[name] == 0.0
    assert all(abs(right[other] - 1 / CHOICES) < 0.05 for other in PROBES if other != name)


def test_the_key_is_that_of_the_sequences(corpus: Corpus, tmp_path: Path) -> None:
    other = prepare(ProbeSource(), tmp_path)
    assert ProbeEvaluator(corpus).key == ProbeEvaluator(corpus).key != ProbeEvaluator(other).key
