"""Runs lm-eval on a model and reads its results as scores."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any

from lm_eval import evaluate
from lm_eval.tasks import TaskManager
from tokenizers import Tokenizer

from genesys.gau.model import GAM
from genesys.records import Score
from genesys_verifiers.likelihood import LikelihoodModel

YAML_FOLDER = Path(__file__).parent / "tasks" / "yaml"
PREFIX = "genesys_"
CHANCE = 0.5


class Evaluator:
    """Scores models on all tasks of a corpus.

    Args:
        folder: The corpus' items; a task without a file there is left out.
        tokenizer: Of the corpus.
        length: Longest input, in tokens.
    """

    def __init__(self, folder: Path, tokenizer: Tokenizer, length: int) -> None:
        # lm-eval warns about choices that begin without a space, which brackets do on purpose.
        logging.getLogger("lm_eval").setLevel(logging.ERROR)
        manager = TaskManager(
            include_path=str(YAML_FOLDER), include_defaults=False, metadata={"folder": str(folder)}
        )
        self._names = sorted(path.stem for path in folder.glob("*.jsonl"))
        self._tasks = manager.load([PREFIX + name for name in self._names])
        self._tokenizer, self._length = tokenizer, length

    def __call__(self, model: GAM) -> list[Score]:
        """Accuracy of each two-way task, and bits per byte of held-out text, by name.

        Standard errors come from the numbers of items. ``simple_evaluate`` is not used because it
        runs ``git`` and other programs, which a sandbox worker may not.
        """
        found = evaluate(
            LikelihoodModel(model, self._tokenizer, self._length),
            self._tasks,
            bootstrap_iters=0,
            log_samples=False,
        )
        return [
            _score(name, found["results"][PREFIX + name], found["n-samples"][PREFIX + name])
            for name in self._names
        ]


def _score(task: str, values: dict[str, Any], samples: dict[str, int]) -> Score:
    if "acc,none" not in values:
        return Score(task=task, metric="bits_per_byte", value=values["bits_per_byte,none"])
    value = float(values["acc,none"])
    error = math.sqrt(value * (1 - value) / samples["effective"])
    return Score(task=task, metric="acc", value=value, stderr=error, chance=CHANCE)
