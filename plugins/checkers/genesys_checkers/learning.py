"""Ten steps of training: the trusted half draws the text, and computes loss and gradient."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from genesys.records import ErrorKind
from genesys_checkers.block import Block
from genesys_checkers.claims import Claim, Place, Text
from genesys_checkers.faults import Fault

Array = np.ndarray[Any, Any]
VOCABULARY = 256
LEARNING_RATE = 3e-3


class Stepped(Claim):
    """A step of the optimiser.

    Attributes:
        norm: Of the gradient; None when it is not finite.
        unit: That has most of it.
    """

    norm: float | None
    unit: Text


@dataclass(frozen=True)
class Step:
    """A step of training.

    Attributes:
        loss: In nats, before the step.
        norm: Of the gradient; None when it is not finite. A claim of the guest.
        unit: That has most of the gradient, a hint.
        seconds: CPU time of the guest, measured from outside.
    """

    loss: float
    norm: float | None
    unit: str
    seconds: float


class Learner:
    """Trains a block's current model on texts.

    Args:
        block: With the model.
    """

    def __init__(self, block: Block) -> None:
        self._block, self._steps = block, 0
        block.call("begin_training", learning_rate=LEARNING_RATE)

    def step(self, text: Array) -> Step:
        """Learn to predict each byte of ids of shape (B, L + 1) from those before it.

        Raises:
            Fault: The guest cannot, or the loss is not finite.
        """
        before = self._block.cpu_seconds()
        loss, G = self._loss(text)
        with classed(ErrorKind.BACKWARD):
            stepped = self._block.ask(Stepped, "step", G=G)
        self._steps += 1
        seconds = self._block.cpu_seconds() - before
        return Step(loss, stepped.norm, self._block.unit(stepped.unit), seconds)

    def loss(self, text: Array) -> float:
        """Cross-entropy in nats of ids of shape (B, L + 1).

        Raises:
            Fault: It is not finite.
        """
        return self._loss(text)[0]

    def _loss(self, text: Array) -> tuple[float, Array]:
        asked = {"ids": text[:, :-1], "seed": self._steps}
        with classed(ErrorKind.FORWARD):
            logits = self._block.call("logits", **asked).get("logits")
        if not isinstance(logits, np.ndarray) or logits.dtype.kind != "f":
            raise Fault("The model returns no tensor of floats.", kind=ErrorKind.FORWARD)
        if logits.shape != (*text[:, 1:].shape, VOCABULARY):
            raise Fault(f"The logits have shape {logits.shape}.", kind=ErrorKind.SHAPE)
        loss, G = cross_entropy(logits.astype(np.float32, copy=False), text[:, 1:])
        if not np.isfinite(loss):
            place = self._block.ask(Place, "not_finite", **asked)
            raise Fault(
                f"The loss is not finite after {self._steps} steps of training.",
                self._block.unit(place.unit),
                "Bound what is divided by, exponentiated or summed over positions.",
                kind=ErrorKind.DIVERGENCE,
            )
        return loss, G


def cross_entropy(logits: Array, targets: Array) -> tuple[float, Array]:
    """Mean cross-entropy in nats of logits (B, L, V) and targets (B, L), and its gradient."""
    with np.errstate(all="ignore"):  # the logits may hold anything
        shifted = logits - logits.max(-1, keepdims=True)
        G = np.exp(shifted)
        total = G.sum(-1, keepdims=True)
        chosen = np.take_along_axis(shifted, targets[..., None], -1)
        loss = float((np.log(total) - chosen).mean(dtype=np.float64))
        G /= total
    rows = G.reshape(-1, G.shape[-1])
    rows[np.arange(len(rows)), targets.ravel()] -= 1
    rows /= len(rows)
    return loss, G


@contextmanager
def classed(kind: ErrorKind) -> Iterator[None]:
    """Class of the faults that have none."""
    try:
        yield
    except Fault as fault:
        fault.kind = fault.kind or kind
        raise
