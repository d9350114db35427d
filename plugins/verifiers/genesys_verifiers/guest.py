"""The guest of a verification: tunes and trains a design, and says what its model makes of tokens.

It shares a process with the design's code, so nothing that it says is believed: scores are made
outside, from hidden states. It sees no item, label or text of the evaluation, and the guest that
trains never sees the tokens of one.
"""

from __future__ import annotations

import io
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from genesys.gau.load import BLOCK_FILE, load_block
from genesys.gau.model import GAM
from genesys_verifiers.data import Batches
from genesys_verifiers.optimization import Schedule
from genesys_verifiers.settings import Task
from genesys_verifiers.stepping import Step, accumulate
from genesys_verifiers.training import fit
from genesys_verifiers.tuner import Tuner
from genesys_verifiers.weights import restore, saved

Array = np.ndarray[Any, Any]
Answer = dict[str, Any]

PIECE = 2**26  # bytes


class TrainingGuest:
    """A design's model; :class:`genesys_verifiers.remote.RemoteModel` is its handle.

    Args:
        payload: A :class:`Task`.
        emit: Takes one event per step of training.
        scratch: Not used.
    """

    def __init__(
        self, payload: dict[str, Any], emit: Callable[[Answer], None], scratch: str
    ) -> None:
        self._task, self._emit = Task.model_validate(payload), emit
        torch.set_num_threads(self._task.settings.threads)
        torch.use_deterministic_algorithms(True, warn_only=True)
        if self._task.train_file:
            self._batches(1)  # if they cannot be read, that is not the design's fault
        self._block: ModuleType
        self._model: GAM
        self._saved = self._taken = b""

    def load(self) -> Answer:
        """Run the design's code, up to its classes."""
        self._block = load_block(self._task.block)
        return {}

    def tune(self, d_model: int, reference: int) -> Answer:
        """Find a size near the reference's number of parameters."""
        return self._tuner().tune(d_model, reference).model_dump()

    def parameters(self, n_block: int, embed_dim: int) -> Answer:
        """Non-embedding parameters of a size."""
        return {"parameters": self._tuner().parameters(n_block, embed_dim)}

    def build(self, n_block: int, embed_dim: int) -> Answer:
        """Make the model, initialised as the seed has it."""
        torch.manual_seed(self._task.seed)
        block = self._block
        self._model = GAM(block.GAB, embed_dim, n_block, self._task.vocab_size, block.gab_config)
        return {}

    def pace(self, steps: int) -> Answer:
        """Mean processor seconds of forward and backward passes, after a first one."""
        started = 0.0
        for index, batch in enumerate(self._batches(steps + 1)):
            accumulate(self._model, batch, self._task.settings.micro_batch)
            started = started if index else time.process_time()
        return {"seconds": (time.process_time() - started) / steps}

    def train(self) -> Answer:
        """Train the model; emits ``step``, and loss and gradient norm as ``measured``."""
        task = self._task
        torch.manual_seed(task.seed)
        schedule = Schedule(task.learning_rate, task.steps, task.settings)
        fit(self._model, self._batches(task.steps), schedule, self._tell)
        return {}

    def weights(self, start: int) -> Answer:
        """Bytes of the model's parameters and buffers, from a place on."""
        self._saved = self._saved or saved(self._model)
        piece = np.frombuffer(self._saved, np.uint8)[start : start + PIECE]
        return {"piece": piece, "size": len(self._saved)}

    def restore(self, piece: Array, last: bool) -> Answer:
        """Take in bytes of parameters and buffers that another guest has trained."""
        self._taken += piece.tobytes()
        if last:
            restore(self._model, io.BytesIO(self._taken))
        return {}

    def head(self) -> Answer:
        """The head's weight of shape (V, D)."""
        return {"head": self._model.head.detach().float().numpy()}

    @torch.no_grad()
    def hidden(self, ids: Array, rows: Array, columns: Array) -> Answer:
        """Normed hidden states of shape (N, D).

        Args:
            ids: Tokens of shape (B, L).
            rows: Which rows are asked for, of shape (N,).
            columns: Which positions in them, of shape (N,).
        """
        torch.manual_seed(self._task.seed)
        found = self._model.eval().hidden(torch.tensor(ids))
        return {"hidden": found[torch.tensor(rows), torch.tensor(columns)].float().numpy()}

    def describe(self, error: BaseException) -> Answer:
        """The last line of generated code that an exception went through."""
        frames = traceback.extract_tb(error.__traceback__)
        where = [f"{frame.name}: {frame.line}" for frame in frames if frame.filename == BLOCK_FILE]
        return {"where": where[-1]} if where else {}

    def _tell(self, step: Step) -> None:
        # An array, since JSON has no word for NaN.
        self._emit({"step": step.number, "measured": np.array([step.loss, step.grad_norm])})

    def _tuner(self) -> Tuner:
        length = self._task.settings.sequence_length
        return Tuner(self._block.GAB, self._block.gab_config, length)

    def _batches(self, steps: int) -> Batches:
        task, settings = self._task, self._task.settings
        size = settings.batch_size, settings.sequence_length
        return Batches(Path(task.train_file), steps, *size, task.seed)
