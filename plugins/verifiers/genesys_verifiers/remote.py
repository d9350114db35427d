"""The trusted half's handle on a design's model, which lives in a guest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from genesys.errors import SandboxError
from genesys.sandbox import Guest, GuestEnded, GuestRaised
from genesys.sandbox.channel import printable
from genesys_verifiers.claims import (
    Compilation,
    Count,
    MicroBatch,
    Number,
    Pace,
    array,
    nonsense,
    plain,
    told,
)
from genesys_verifiers.exhaustion import Exhaustion
from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.settings import Accelerator, Precision, Settings, Size

Array = np.ndarray[Any, Any]
MOST_NOTE = 200  # characters
# What torch raises where a GPU has too little memory.
OUT_OF_MEMORY = "OutOfMemoryError"
# Number of the step, loss (nats), gradient norm, seconds since the step before (of a processor, or
# on the clock where a GPU does the work).
OnStep = Callable[[int, float, float, float], None]


class RemoteModel:
    """Asks the guest, and makes a :class:`DesignFaultError` of what it does wrong.

    A guest that dies because the machine has no memory left is a ``SandboxError``.

    Args:
        guest: A :class:`genesys_verifiers.guest.TrainingGuest`.
        vocab_size: V, the number of tokens.
        memory_mb: Most memory that its weights may take, in MiB.
        settings: How it trains.

    Attributes:
        compiled: Whether its blocks are compiled, as it says.
        note: Why they are not, if they were to be.
    """

    def __init__(
        self, guest: Guest, vocab_size: int, memory_mb: int, settings: Settings | None = None
    ) -> None:
        self._guest, self._vocab_size, self._memory_mb = guest, vocab_size, memory_mb
        self._settings = settings or Settings()
        self._on_gpu = self._settings.accelerator is Accelerator.CUDA
        self._width = self._steps = 0
        self._exhaustion = Exhaustion()
        self.compiled, self.note = False, ""

    def load(self) -> None:
        """Run the design's code."""
        self._call("load")

    def tune(self, d_model: int, reference: int) -> Size:
        """The size it says fits; see :class:`genesys_verifiers.tuning.tuner.Tuner`."""
        return plain(Size, self._call("tune", d_model=d_model, reference=reference))

    def parameters(self, n_block: int, embed_dim: int) -> int:
        """Non-embedding parameters of a size, as it says."""
        return plain(
            Count, self._call("parameters", n_block=n_block, embed_dim=embed_dim)
        ).parameters

    def build(self, n_block: int, embed_dim: int) -> None:
        """Make the model."""
        self._width = embed_dim
        self._call("build", n_block=n_block, embed_dim=embed_dim)

    def compile(self, precision: Precision) -> float:
        """Have its blocks compiled for training in this precision, if they can be.

        Returns:
            Processor seconds that it took, compilers included.
        """
        before = self._seconds()
        said = plain(Compilation, self._call("compile", precision=precision))
        self.compiled, self.note = not said.refused, ""
        if said.refused:
            first = printable(said.refused).strip().partition("\n")[0]
            self.note = f"not compiled: {first[:MOST_NOTE]}"
        return self._seconds() - before

    def pace(self, steps: int, precision: Precision) -> float:
        """Seconds of a forward and backward pass, as it says: a processor's, or a GPU's."""
        return plain(Pace, self._call("pace", steps=steps, precision=precision)).seconds

    def train(self, on_step: OnStep, seconds: float = 0.0) -> int:
        """Train the model, or go on with that.

        Args:
            on_step: Called after each step. Loss and gradient norm are what the guest says; the
                time is seen from outside.
            seconds: Wall time after which it is to stop; 0 for when all steps are done.

        Returns:
            How many sequences were in memory at a time, as it says.
        """
        clock = self._seconds()

        def on_event(event: dict[str, Any]) -> None:
            nonlocal clock
            if plain(Number, event).step != self._steps + 1:
                raise nonsense()
            self._steps += 1
            loss, norm = array(event, "measured", np.float64, (2,)).tolist()
            now = self._seconds()
            taken, clock = now - clock, now
            on_step(self._steps, loss, norm, taken)

        return plain(MicroBatch, self._call("train", on_event, seconds=seconds)).micro_batch

    def hand_over_state(self, take: Callable[[Array], None]) -> None:
        """Hand over all that its training has changed, in pieces of bytes."""
        self._hand_over("hand_over_state", take)

    def go_on(self, pieces: Iterable[tuple[Array, bool]], steps: int) -> None:
        """Have it go on from a state that was handed over.

        Args:
            pieces: Of the state, and whether each is the last.
            steps: That had been taken.
        """
        for piece, last in pieces:
            self._call("go_on", piece=piece, last=last)
        self._steps = steps

    def weights(self) -> list[Array]:
        """Its parameters and buffers as pieces of bytes."""
        pieces: list[Array] = []
        self._hand_over("hand_over_weights", pieces.append)
        return pieces

    def restore(self, pieces: Sequence[Array]) -> None:
        """Give it what another guest has trained."""
        for index, piece in enumerate(pieces):
            self._call("restore", piece=piece, last=index == len(pieces) - 1)

    def head(self) -> Array:
        """The head's weight of shape (V, D)."""
        return array(self._call("head"), "head", np.float32, (self._vocab_size, self._width))

    def hidden(self, ids: Array, rows: Array, columns: Array) -> Array:
        """Hidden states of shape (N, D) at N places of ids of shape (B, L)."""
        answer = self._call("hidden", ids=ids, rows=rows, columns=columns)
        return array(answer, "hidden", np.float32, (len(rows), self._width))

    def _hand_over(self, method: str, take: Callable[[Array], None]) -> None:
        size = 0

        def on_event(event: dict[str, Any]) -> None:
            nonlocal size
            piece = array(event, "piece", np.uint8, (None,))
            size += piece.size
            if size > self._memory_mb * 2**20:
                raise DesignFaultError(f"it hands over more than {self._memory_mb} MiB")
            take(piece)

        self._call(method, on_event)
        if not size:
            raise nonsense()

    def _seconds(self) -> float:
        """A clock of its own: processor time, or wall time if a GPU does the work."""
        if self._on_gpu:
            return time.perf_counter()
        try:
            return self._guest.cpu_seconds()
        except GuestEnded as error:
            raise self._exhaustion.fault(error) from None

    def _call(
        self, method: str, on_event: Callable[[dict[str, Any]], None] | None = None, **asked: Any
    ) -> dict[str, Any]:
        try:
            return self._guest.call(method, on_event, **asked)
        except GuestRaised as error:
            raise self._fault(error) from None
        except GuestEnded as error:
            raise self._exhaustion.fault(error) from None

    def _fault(self, error: GuestRaised) -> Exception:
        """Whose fault an exception is: a GPU may be too small for what the config puts on it."""
        may_be_less = self._settings.micro_batch not in {1, "auto"}
        if self._on_gpu and may_be_less and error.type == OUT_OF_MEMORY:
            return SandboxError(
                "The GPU has too little memory for so many sequences at a time: set "
                f"verifier.micro_batch=auto. {told(error)}"
            )
        return DesignFaultError(told(error))
