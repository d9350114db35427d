"""Trains a model with Lightning, with everything that a nano model does not need turned off."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from genesys.gau.model import GAM
from genesys_verifiers.data import Batches


@dataclass(frozen=True)
class Schedule:
    """How to optimise.

    Attributes:
        learning_rate: At its peak.
        steps: Number of steps.
        warmup: Share of the steps in which the rate rises linearly.
        floor: Share of the peak at which the cosine ends.
        weight_decay: Of matrices; vectors and the embedding have none.
        clip: Largest gradient norm.
    """

    learning_rate: float
    steps: int
    warmup: float
    floor: float
    weight_decay: float
    clip: float

    def factor(self, step: int) -> float:
        """Share of the peak rate at a step: linear warm-up, then cosine."""
        warm = max(1, round(self.warmup * self.steps))
        if step < warm:
            return (step + 1) / warm
        done = min(1.0, (step - warm) / max(1, self.steps - warm))
        return self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * done))


@dataclass(frozen=True)
class Step:
    """What a training step gave: one-based number, loss (nats), gradient norm."""

    number: int
    loss: float
    grad_norm: float


def loss_of(model: GAM, batch: Tensor) -> Tensor:
    """Mean cross-entropy in nats of a batch of shape (B, L + 1)."""
    logits = model(batch[:, :-1])
    return functional.cross_entropy(logits.flatten(0, 1).float(), batch[:, 1:].flatten())


def optimizer_of(model: GAM, schedule: Schedule) -> Optimizer:
    """AdamW that decays matrices only, in one fused kernel."""
    inner = [p for p in model.parameters() if p is not model.head]
    groups = [
        {"params": [p for p in inner if p.ndim > 1], "weight_decay": schedule.weight_decay},
        {"params": [p for p in inner if p.ndim <= 1] + [model.head], "weight_decay": 0.0},
    ]
    return AdamW(groups, lr=schedule.learning_rate, betas=(0.9, 0.95), fused=True)


class LanguageModel(LightningModule):  # type: ignore[misc]
    """A GAM as Lightning trains it.

    Optimisation is manual: Lightning's closures and hooks around one automatic step cost as much as
    a tenth of a nano model's step.

    Args:
        model: The model.
        schedule: How to optimise.
        on_step: Called after each step, with what it gave.
    """

    def __init__(self, model: GAM, schedule: Schedule, on_step: Callable[[Step], None]) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.model, self._schedule, self._on_step = model, schedule, on_step
        self._optimizer = optimizer_of(model, schedule)
        self._rates = LambdaLR(self._optimizer, schedule.factor)

    def configure_optimizers(self) -> Optimizer:
        """The optimiser, for Lightning's records."""
        return self._optimizer

    def training_step(self, batch: Tensor, batch_idx: int) -> None:
        """Take one step on a batch of shape (B, L + 1)."""
        loss = loss_of(self.model, batch)
        self._optimizer.zero_grad()
        torch.autograd.backward(loss)
        norm = clip_grad_norm_(self.model.parameters(), self._schedule.clip)
        self._optimizer.step()
        self._rates.step()
        self._on_step(Step(batch_idx + 1, float(loss.detach()), float(norm)))


def fit(model: GAM, batches: Batches, schedule: Schedule, on_step: Callable[[Step], None]) -> None:
    """Train ``model`` in place on all batches."""
    module = LanguageModel(model.train(), schedule, on_step)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # Advice on workers and devices that does not apply to a run in memory on a CPU.
        warnings.simplefilter("ignore")
        trainer = Trainer(
            accelerator="cpu",
            devices=1,
            max_epochs=1,
            barebones=True,
            use_distributed_sampler=False,
        )
        trainer.fit(module, train_dataloaders=batches)
