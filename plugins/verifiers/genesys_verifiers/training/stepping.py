"""One step of training, whatever loop takes it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim.lr_scheduler import LambdaLR

from genesys.gau.model import GAM
from genesys_verifiers.settings import Precision
from genesys_verifiers.training.device import moved, release
from genesys_verifiers.training.generators import get_generators, set_generators
from genesys_verifiers.training.loss import loss_of
from genesys_verifiers.training.optimization import Schedule, optimizer_of


@dataclass(frozen=True)
class Step:
    """What a training step gave: one-based number, loss (nats), gradient norm."""

    number: int
    loss: float
    grad_norm: float


class Stepper:
    """Takes the steps of a training, and holds all that changes with them.

    Args:
        model: The model, trained in place.
        schedule: How to optimise.

    Attributes:
        model: The model.
        optimizer: Its optimiser.
        rates: The schedule of the learning rate.
        settings: How to train.
        number: Steps taken.
        micro_batch: Sequences in memory at a time; None for all.
    """

    def __init__(self, model: GAM, schedule: Schedule) -> None:
        self.model, self.number = model, 0
        self.optimizer = optimizer_of(model, schedule)
        self.rates = LambdaLR(self.optimizer, schedule.factor)
        self.settings = schedule.settings
        self.micro_batch = self.settings.at_a_time

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.model.head.device

    def take(self, batch: Tensor) -> Step:
        """Take one step on a batch of shape (B, L + 1)."""
        loss = self.gradients(batch)
        norm = clip_grad_norm_(self.model.parameters(), self.settings.clip)
        self.optimizer.step()
        self.rates.step()
        self.number += 1
        return Step(self.number, float(loss), float(norm))

    def gradients(self, batch: Tensor) -> Tensor:
        """Make the gradients of a batch of shape (B, L + 1), and give its mean loss (nats).

        Where that is left open, fewer sequences are taken at a time from when a GPU has no memory
        for more.
        """
        batch, is_open = moved(batch, self.device), self.settings.micro_batch == "auto"
        drawn = get_generators() if is_open else {}
        while True:
            self.optimizer.zero_grad()
            try:
                precision = self.settings.precision
                return accumulate(self.model, batch, self.micro_batch, precision)
            except torch.OutOfMemoryError:
                rows = self.micro_batch or len(batch)
                if rows == 1 or not is_open:
                    raise
            self.micro_batch = rows // 2
            self.optimizer.zero_grad()
            release()
            set_generators(drawn)


def accumulate(
    model: GAM,
    batch: Tensor,
    micro_batch: int | None = None,
    precision: Precision = Precision.FLOAT32,
) -> Tensor:
    """Add a batch's gradients to the model's, and give its mean loss (nats).

    Args:
        model: The model.
        batch: Tokens of shape (B, L + 1).
        micro_batch: Sequences at a time; all by default. Only the memory depends on it.
        precision: Of the blocks.
    """
    pieces = torch.split(batch, micro_batch or len(batch))
    losses = []
    for piece in pieces:
        loss = loss_of(model, piece, precision) * (len(piece) / len(batch))
        torch.autograd.backward(loss)
        losses.append(loss.detach())
    return torch.stack(losses).sum()
