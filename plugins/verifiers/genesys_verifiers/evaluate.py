"""Runs lm-eval on a model and reads its results as scores."""

from __future__ import annotations

import logging
import math
from functools import cache, partial
from pathlib import Path
from typing import Any

import lm_eval.api.task
from lm_eval import evaluate
from lm_eval.tasks import TaskManager
from tokenizers import Tokenizer

from genesys.records import Score
from genesys_verifiers.corpus import Corpus
from genesys_verifiers.likelihood import LikelihoodModel, Model, Scored

YAML_FOLDER = Path(__file__).parent / "tasks" / "yaml"
PREFIX = "genesys_"
CHANCE = 0.5
BITS = "bits_per_byte"

# It draws a bar for each task and has no switch for that.
lm_eval.api.task.tqdm = partial(lm_eval.api.task.tqdm, disable=True)


class Evaluator:
    """Scores models on all tasks of a corpus.

    Args:
        corpus: The corpus; a task without a file there is left out.
        length: Longest input, in tokens.
    """

    def __init__(self, corpus: Corpus, length: int) -> None:
        # lm-eval warns about choices that begin without a space, which brackets do on purpose.
        logging.getLogger("lm_eval").setLevel(logging.ERROR)
        folder = corpus.tasks_folder
        manager = TaskManager(
            include_path=str(YAML_FOLDER), include_defaults=False, metadata={"folder": str(folder)}
        )
        self._names = sorted(path.stem for path in folder.glob("*.jsonl"))
        self._tasks = manager.load([PREFIX + name for name in self._names])
        tokenizer = Tokenizer.from_file(str(corpus.tokenizer_file))
        self._length = length
        # An item's context comes with each of its choices, and each text in each evaluation.
        self._encode = cache(lambda text: tuple(tokenizer.encode(text).ids))

    def __call__(self, model: Model) -> tuple[list[Score], Scored]:
        """Accuracy of each two-way task, and bits per byte of held-out text, by name.

        Standard errors come from the numbers of items.

        Returns:
            The scores, and the batches that the model was asked for.
        """
        likelihoods = LikelihoodModel(model, self._encode, self._length)
        found = evaluate(likelihoods, self._tasks, bootstrap_iters=0, log_samples=False)
        scores = [
            _score(name, found["results"][PREFIX + name], found["n-samples"][PREFIX + name])
            for name in self._names
        ]
        return scores, likelihoods.scored


def _score(task: str, values: dict[str, Any], samples: dict[str, int]) -> Score:
    if task == BITS:
        return Score(task=task, metric=BITS, value=values[f"{BITS},none"])
    value = float(values["acc,none"])
    error = math.sqrt(value * (1 - value) / samples["effective"])
    return Score(task=task, metric="acc", value=value, stderr=error, chance=CHANCE)
