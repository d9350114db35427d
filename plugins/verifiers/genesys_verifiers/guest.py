"""The guest of a verification: tunes and trains a design, and says what its model makes of tokens.

It shares a process with the design's code, so nothing that it says is believed: scores are made
outside, from hidden states. It sees no item, label or text of the evaluation, and the guest that
trains never sees the tokens of one.
"""

from __future__ import annotations

import io
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genesys.gau.load import BLOCK_FILE, load_block
from genesys.gau.model import GAM
from genesys.records import Subject
from genesys_verifiers.checkpoints.pieces import Pieces, buffered
from genesys_verifiers.checkpoints.weights import restore, saved
from genesys_verifiers.probes.training import ProbeBatches
from genesys_verifiers.settings import Precision, Settings, Task, token_type
from genesys_verifiers.training.compiling import compile_blocks
from genesys_verifiers.training.data import Batches, within
from genesys_verifiers.training.device import allow_tf32, device_of, on, settle
from genesys_verifiers.training.fitting import fitting
from genesys_verifiers.training.loops import take_steps
from genesys_verifiers.training.optimization import Schedule
from genesys_verifiers.training.state import read_state, write_state
from genesys_verifiers.training.stepping import Step, Stepper
from genesys_verifiers.tuning.tuner import Tuner

Array = np.ndarray[Any, Any]
Answer = dict[str, Any]
MAX_TEXT = 2000


class TrainingGuest:
    """A design's model; :class:`genesys_verifiers.remote.RemoteModel` is its handle.

    Args:
        payload: A :class:`Task`.
        emit: Takes one event per step of training.
        scratch: Where a compiler may write.
    """

    def __init__(
        self, payload: dict[str, Any], emit: Callable[[Answer], None], scratch: str
    ) -> None:
        self._task, self._emit = Task.model_validate(payload), emit
        self._scratch = scratch
        torch.set_num_threads(self._task.settings.threads)
        torch.use_deterministic_algorithms(True, warn_only=True)
        self._device = device_of(self._task.settings)
        if self._task.train_folder:
            self._batches(1)  # if they cannot be read, that is not the design's fault
        self._block: ModuleType
        self._model: GAM
        self._stepper: Stepper | None = None
        self._taken = io.BytesIO()

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
        block, self._size = self._block, (n_block, embed_dim)
        args = block.GAB, embed_dim, n_block, self._task.vocab_size, block.gab_config
        with on(self._device):
            self._model = GAM(*args)
        return {}

    def compile(self, precision: str) -> Answer:
        """Compile the model's blocks for training in this precision.

        Returns:
            Why they are not compiled; empty if they are.
        """
        batch = next(iter(self._batches(1)))
        with on(self._device):
            stepper = self._begin(Precision(precision))
            return {"refused": compile_blocks(stepper, batch, self._scratch)[:MAX_TEXT]}

    def pace(self, steps: int, precision: str) -> Answer:
        """Mean seconds of forward and backward passes after a first: a processor's, or a GPU's.

        Args:
            steps: Passes that count.
            precision: Of the blocks.
        """
        clock = time.process_time if self._device.type == "cpu" else time.perf_counter
        stepper, started = self._begin(Precision(precision)), 0.0
        with on(self._device):
            for index, batch in enumerate(self._batches(steps + 1)):
                stepper.gradients(batch)
                settle(self._device)
                started = started if index else clock()
        return {"seconds": (clock() - started) / steps}

    def train(self, seconds: float) -> Answer:
        """Train, or go on with it; emits ``step``, and loss and gradient norm as ``measured``.

        Args:
            seconds: Wall time after which to stop; 0 for when all steps are done.

        Returns:
            How many sequences were in memory at a time.
        """
        stepper = self._stepper = self._stepper or self._begin()
        batches: Iterable[Tensor] = self._batches(self._task.steps, stepper.number)
        with on(self._device):
            take_steps(stepper, within(seconds, batches) if seconds else batches, self._tell)
        return {"micro_batch": stepper.micro_batch or self._task.settings.batch_size}

    def hand_over_state(self) -> Answer:
        """Emit all that training has changed so far, in pieces of bytes."""
        assert self._stepper
        with on(self._device), buffered(self._emit) as file:
            write_state(self._stepper, file)
        return {}

    def go_on(self, piece: Array, last: bool) -> Answer:
        """Take in such a state piece by piece, to go on from it."""
        self._taken.write(piece.data)
        if last:
            self._stepper = self._begin()
            self._taken.seek(0)
            read_state(self._stepper, self._taken)
            self._taken = io.BytesIO()
        return {}

    def hand_over_weights(self) -> Answer:
        """Emit the model's parameters and buffers, in pieces of bytes."""
        self._stepper = None  # the memory of the optimiser is of more use now
        Pieces(self._emit).write(saved(self._model))
        return {}

    def restore(self, piece: Array, last: bool) -> Answer:
        """Take in parameters and buffers that another guest has trained."""
        self._taken.write(piece.data)
        if last:
            restore(self._model, self._taken.getvalue())
            self._taken = io.BytesIO()
        return {}

    def head(self) -> Answer:
        """The head's weight of shape (V, D)."""
        return {"head": self._model.head.detach().float().cpu().numpy()}

    @torch.no_grad()
    def hidden(self, ids: Array, rows: Array, columns: Array) -> Answer:
        """Normed hidden states of shape (N, D).

        Args:
            ids: Tokens of shape (B, L).
            rows: Which rows are asked for, of shape (N,).
            columns: Which positions in them, of shape (N,).
        """
        torch.manual_seed(self._task.seed)
        with on(self._device):
            found = self._model.eval().hidden(torch.tensor(ids))
            chosen = found[torch.tensor(rows), torch.tensor(columns)]
        return {"hidden": chosen.float().cpu().numpy()}

    def describe(self, error: BaseException) -> Answer:
        """The last line of generated code that an exception went through."""
        frames = traceback.extract_tb(error.__traceback__)
        where = [f"{frame.name}: {frame.line}" for frame in frames if frame.filename == BLOCK_FILE]
        return {"where": where[-1]} if where else {}

    def _tell(self, step: Step) -> None:
        # An array, since JSON has no word for NaN.
        self._emit({"step": step.number, "measured": np.array([step.loss, step.grad_norm])})

    def _tuner(self) -> Tuner:
        return Tuner(self._task.block, self._task.settings.sequence_length)

    def _begin(self, precision: Precision | None = None) -> Stepper:
        """Begin a training; in the precision of the task, if none is given."""
        task = self._task
        torch.manual_seed(task.seed)
        shape = task.settings.batch_size, task.settings.sequence_length
        settings = self._settled(shape, precision or task.settings.precision)
        return Stepper(self._model.train(), Schedule(task.learning_rate, task.steps, settings))

    def _settled(self, shape: tuple[int, int], precision: Precision) -> Settings:
        """The settings, with as many sequences at a time as fit; a GPU finds that out by trying.

        Args:
            shape: Sequences of a batch, and tokens of each.
            precision: Of the blocks.
        """
        task, device = self._task, self._device
        allow_tf32(precision, device)
        update: dict[str, object] = {"precision": precision}
        if task.settings.micro_batch == "auto" and device.type == "cpu":
            size, memory = self._size, task.memory_mb
            update["micro_batch"] = fitting(task.block, size, task.vocab_size, shape, memory)
        return task.settings.model_copy(update=update)

    def _batches(self, steps: int, start: int = 0) -> Batches | ProbeBatches:
        task, settings = self._task, self._task.settings
        if task.subject is Subject.PROBES:
            return ProbeBatches(steps, settings.batch_size, task.seed, start)
        size = settings.batch_size, settings.sequence_length
        kind = token_type(task.vocab_size)
        return Batches(Path(task.train_folder), steps, *size, task.seed, start, kind)
