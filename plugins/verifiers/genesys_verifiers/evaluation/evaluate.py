"""Puts tasks to a model, and reads the answers as scores."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from functools import cache, cached_property, partial
from itertools import islice
from typing import Any

import lm_eval.api.task
import numpy as np
from tokenizers import Tokenizer

from genesys.files import sha256_of
from genesys.records import Score
from genesys_verifiers.corpus import Corpus
from genesys_verifiers.evaluation.contamination import overlapping
from genesys_verifiers.evaluation.exam import Exam
from genesys_verifiers.evaluation.likelihood import LikelihoodModel, Model, Scored
from genesys_verifiers.evaluation.requests import Planner
from genesys_verifiers.evaluation.scoring import mean_of, score
from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.tasks.config import TaskSet
from genesys_verifiers.tasks.dataset import PREFIX
from genesys_verifiers.tasks.sets import load

log = logging.getLogger(__name__)

LOCAL = TaskSet()
# Of a task, for a model before training: its accuracy then has an error of 0.05.
BASELINE_ITEMS = 100
# No model of any size gets whole texts below this, unless it has them by heart.
LEAST_BITS = 0.3

# It draws a bar for each task and has no switch for that.
lm_eval.api.task.tqdm = partial(lm_eval.api.task.tqdm, disable=True)


class Evaluator:
    """Scores models on a task set.

    Args:
        corpus: Has the tokenizer, and the items of the local tasks.
        length: Longest input, in tokens.
        tasks: The task set.
        threads: That make likelihoods while a model is asked for more.

    Raises:
        GenesysError: The tasks cannot be loaded.
    """

    def __init__(
        self, corpus: Corpus, length: int, tasks: TaskSet = LOCAL, threads: int = 1
    ) -> None:
        # lm-eval warns about choices that begin without a space, which brackets do on purpose.
        logging.getLogger("lm_eval").setLevel(logging.ERROR)
        loaded = load(tasks, corpus.tasks_folder)
        self._exams = {
            name: [Exam(task).sample(tasks.items) for task in parts]
            for name, parts in loaded.items()
        }
        tokenizer = Tokenizer.from_file(str(corpus.tokenizer_file))
        planner = Planner(tokenizer, length, corpus.end_of_text)
        # The same requests are put to each model.
        self._plan = cache(planner)
        self._threads, self._overlaps = threads, dict[str, float]()
        self._told = [str(length), sha256_of(corpus.tokenizer_file)]
        if tasks.source != "corpus":  # whose tasks are made without such items
            self._look_for_overlaps(corpus, planner, drop=tasks.overlap == "drop")

    def __call__(self, model: Model) -> tuple[list[Score], Scored]:
        """The score of each task.

        Returns:
            The scores, and the batches that the model was asked for.

        Raises:
            DesignFaultError: Its answers are none, or not to be believed.
        """
        return self._scores(model, None)

    def baseline(self, model: Model) -> list[Score]:
        """The score of each task on some of its items, for a model that has learnt nothing.

        Raises:
            DesignFaultError: Its answers are none.
        """
        return self._scores(model, BASELINE_ITEMS)[0]

    @cached_property
    def key(self) -> str:
        """The same for the same items and tokenizer, and the same way to read answers."""
        terms = [self._told, sorted(self._overlaps.items()), [exam.terms() for exam in self._all]]
        return hashlib.sha256(json.dumps(terms).encode()).hexdigest()

    def _scores(self, model: Model, items: int | None) -> tuple[list[Score], Scored]:
        likelihoods = LikelihoodModel(model, self._plan, self._threads)
        exams = [exam.sample(items) for exam in self._all]
        answers = iter(likelihoods.answer([r for exam in exams for r in exam.requests]))
        found = {exam.name: self._score(exam, answers) for exam in exams}
        scores = [
            whole
            for name, parts in self._exams.items()
            for whole in _together(name, [found[exam.name] for exam in parts])
        ]
        return scores, likelihoods.scored

    @property
    def _all(self) -> list[Exam]:
        return [exam for parts in self._exams.values() for exam in parts]

    def _score(self, exam: Exam, answers: Iterator[Any]) -> Score:
        answered = list(islice(answers, len(exam.requests)))
        bits = exam.bits_per_byte(answered)
        if bits is not None and not bits > LEAST_BITS:
            raise DesignFaultError(f"{bits:.3g} bits per byte cannot be: it knows the texts")
        measured = exam.measure(answered)
        overlap = self._overlaps.get(exam.name)
        found = score(exam.name.removeprefix(PREFIX), measured)
        return found.model_copy(update={"overlap": overlap})

    def _look_for_overlaps(self, corpus: Corpus, planner: Planner, drop: bool) -> None:
        """Find items whose text occurs in training, and leave them out if that is wanted."""
        for exam, hit in zip(self._all, overlapping(self._all, corpus, planner), strict=True):
            self._overlaps[exam.name] = float(hit.mean())
            if hit.any():
                told = "left out" if drop else "kept"
                log.warning(
                    "Task %s: %d of %d items have text that occurs in the training corpus; %s",
                    *(exam.name.removeprefix(PREFIX), hit.sum(), len(hit), told),
                )
            if drop:
                exam.without(set(np.flatnonzero(hit).tolist()))


def _together(name: str, scores: Sequence[Score]) -> Sequence[Score]:
    """One score for the tasks of a group, where they have one metric."""
    alike = len({score.metric for score in scores}) == 1
    return [mean_of(name, scores)] if len(scores) > 1 and alike else scores
