"""One lm-eval task as it is put to models: its requests, made once, and what answers are worth."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Sequence
from copy import copy
from typing import Any

import numpy as np
from lm_eval.api.instance import Instance
from lm_eval.api.task import Task

from genesys.errors import GenesysError
from genesys_verifiers.evaluation.likelihood import no_generation
from genesys_verifiers.evaluation.scoring import Measured

# Breaks ties between choices, far below what tells two likelihoods apart.
NUDGE = 1e-9


class Exam:
    """A task with its requests.

    Args:
        task: The task.

    Attributes:
        name: Of the task.
        items: The requests of each item.

    Raises:
        GenesysError: The task lets the model write text.
    """

    def __init__(self, task: Task) -> None:
        self.name, self._task = task.task_name, task
        if task.OUTPUT_TYPE == "generate_until":
            raise no_generation(self.name)
        task.build_all_requests(rank=0, world_size=1)
        found: dict[int, list[Instance]] = {}
        for request in task.instances:
            if request.request_type == "generate_until":
                raise no_generation(self.name)
            found.setdefault(request.doc_id, []).append(request)
        self.items = [sorted(requests, key=lambda r: r.idx) for requests in found.values()]

    @property
    def texts(self) -> list[list[str]]:
        """The texts of each item, a context with each of its continuations."""
        return [["".join(request.args) for request in item] for item in self.items]

    @property
    def requests(self) -> list[Instance]:
        """All requests, by item."""
        return [request for item in self.items for request in item]

    def without(self, dropped: Collection[int]) -> None:
        """Leave out items, by index.

        Raises:
            GenesysError: None is left.
        """
        if len(dropped) == len(self.items):
            raise GenesysError(
                f"All items of task {self.name!r} have text that occurs in the training corpus: "
                "take it out of the task set, or set tasks.overlap=warn."
            )
        self.items = [item for index, item in enumerate(self.items) if index not in dropped]

    def sample(self, count: int | None) -> Exam:
        """An exam of at most so many of the items, always the same ones; None for all."""
        chosen = np.random.default_rng(0).permutation(len(self.items))[:count]
        some = copy(self)
        some.items = [self.items[index] for index in sorted(chosen)]
        return some

    def terms(self) -> list[Any]:
        """What scores depend on besides the answers, as JSON values."""
        config = json.dumps(self._task.config.to_dict(), default=str, sort_keys=True)
        asked = [[r.args, r.doc] for r in self.requests]
        return [self.name, config, json.dumps(asked, default=str, sort_keys=True)]

    def bits_per_byte(self, answers: Sequence[Any]) -> float | None:
        """Of all the texts that are scored whole, whatever the task makes of it; None without."""
        whole = [
            (answer, len(request.args[0].encode()))
            for request, answer in zip(self.requests, answers, strict=True)
            if request.request_type == "loglikelihood_rolling"
        ]
        size = sum(length for _, length in whole)
        return -math.fsum(answer for answer, _ in whole) / math.log(2) / size if size else None

    def measure(self, answers: Sequence[Any]) -> Measured:
        """What the answers to all requests are worth.

        Where a model finds two choices equally likely it has no favourite. lm-eval would take the
        first, which in some tasks is always the right one.
        """
        self._task._instances = self.requests
        nudges = NUDGE * np.random.default_rng(0).random(len(answers))
        for request, answer, nudge in zip(self.requests, answers, nudges, strict=True):
            tied = isinstance(answer, tuple) and self._task.OUTPUT_TYPE == "multiple_choice"
            request.resps = [(answer[0] + nudge, answer[1]) if tied else answer]
        self._task.apply_filters()
        raw: dict[str, list[Any]] = {}
        for item in self.items:
            results = [next(iter(request.filtered_resps.values())) for request in item]
            for metric, value in self._task.process_results(item[0].doc, results).items():
                raw.setdefault(metric, []).append(value)
        return Measured(raw, self._task.aggregation(), self._chances())

    def _chances(self) -> list[float]:
        if self._task.OUTPUT_TYPE != "multiple_choice":
            return []
        return [_chance(self._task, item[0].doc) for item in self.items]


def _chance(task: Task, doc: dict[str, Any]) -> float:
    """The share of an item's choices that are right."""
    right = task.doc_to_target(doc)
    count = len(set(right)) if isinstance(right, list) else 1
    return count / len(task.doc_to_choice(doc))
