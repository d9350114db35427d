"""The guest of a measurement: trains on, and reads, tokens that mean nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from genesys_verifiers.guest import Answer, TrainingGuest
from genesys_verifiers.training.optimization import Schedule
from genesys_verifiers.training.stepping import Stepper


class EfficiencyGuest(TrainingGuest):
    """A design's model; time and memory are measured from outside.

    Args:
        payload: A :class:`genesys_verifiers.settings.Task`.
        emit: Not used.
        scratch: Not used.
    """

    def __init__(
        self, payload: dict[str, Any], emit: Callable[[Answer], None], scratch: str
    ) -> None:
        super().__init__(payload, emit, scratch)
        self._learner: Stepper | None = None

    def learn(self, rows: int, length: int) -> Answer:
        """Take one whole training step on tokens of shape (rows, length)."""
        if self._learner is None:
            schedule = Schedule(self._task.learning_rate, 1000, self._task.settings)
            self._learner = Stepper(self._model.train(), schedule)
        self._learner.take(self._tokens(rows, length + 1))
        return {}

    @torch.no_grad()
    def read(self, rows: int, length: int) -> Answer:
        """Read tokens of shape (rows, length), up to the logits after the last ones."""
        model = self._model.eval()
        last = model.hidden(self._tokens(rows, length))[:, -1]
        functional.linear(last, model.head)
        return {}

    def _tokens(self, rows: int, length: int) -> torch.Tensor:
        return torch.randint(self._task.vocab_size, (rows, length))
