"""The guest of a measurement: trains on, and reads, tokens that mean nothing."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Any

import torch
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from genesys_verifiers.guest import Answer, TrainingGuest
from genesys_verifiers.training.device import on, settle
from genesys_verifiers.training.optimization import Schedule
from genesys_verifiers.training.stepping import Stepper

MEMORY = "[memory]"  # the profiler's name for what the allocator gives or takes back


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
            settings = self._settled((rows, length), self._task.settings.precision)
            schedule = Schedule(self._task.learning_rate, 1000, settings)
            self._learner = Stepper(self._model.train(), schedule)
        with on(self._device):
            self._learner.take(self._tokens(rows, length + 1))
        settle(self._device)
        return {}

    @torch.no_grad()
    def read(self, rows: int, length: int) -> Answer:
        """Read tokens of shape (rows, length), up to the logits after the last ones."""
        model = self._model.eval()
        with on(self._device):
            last = model.hidden(self._tokens(rows, length))[:, -1]
            functional.linear(last, model.head)
        settle(self._device)
        return {}

    def held(self, length: int) -> Answer:
        """The most MiB that tensors of a forward pass on one sequence take, without the weights."""
        if self._device.type == "cuda":
            before = torch.cuda.memory_allocated(self._device) / 2**20
            self.gpu_memory()
            self.read(1, length)
            return {"memory_mb": self.gpu_memory()["memory_mb"] - before}
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
            self.read(1, length)
        told = [event for event in seen.profiler.kineto_results.events() if event.name() == MEMORY]
        changes = [event.nbytes() for event in sorted(told, key=lambda event: event.start_ns())]
        return {"memory_mb": max(accumulate(changes, initial=0)) / 2**20}

    def gpu_memory(self) -> Answer:
        """The most MiB that the GPU held for it since this was last asked."""
        most = torch.cuda.max_memory_allocated(self._device)
        torch.cuda.reset_peak_memory_stats(self._device)
        return {"memory_mb": most / 2**20}

    def _tokens(self, rows: int, length: int) -> torch.Tensor:
        return torch.randint(self._task.vocab_size, (rows, length))
