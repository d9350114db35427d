"""The loops that train a model: Lightning's, and a bare one."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor
from torch.optim import Optimizer

from genesys.gau.model import GAM
from genesys_verifiers.settings import Loop
from genesys_verifiers.training.data import Batches
from genesys_verifiers.training.optimization import Schedule
from genesys_verifiers.training.stepping import Step, Stepper

OnStep = Callable[[Step], None]


class LanguageModel(LightningModule):  # type: ignore[misc]
    """A GAM as Lightning trains it.

    Optimisation is manual: Lightning's closures and hooks around one automatic step cost as much as
    a tenth of a nano model's step.

    Args:
        stepper: Takes the steps.
        on_step: Called after each step, with what it gave.
    """

    def __init__(self, stepper: Stepper, on_step: OnStep) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.model = stepper.model
        self._stepper, self._on_step = stepper, on_step

    def configure_optimizers(self) -> Optimizer:
        """The optimiser, for Lightning's records."""
        return self._stepper.optimizer

    def transfer_batch_to_device(
        self, batch: Tensor, device: torch.device, dataloader_idx: int
    ) -> Tensor:
        """Leave the batch to the stepper."""
        return batch

    def training_step(self, batch: Tensor, batch_idx: int) -> None:
        """Take one step on a batch of shape (B, L + 1)."""
        self._on_step(self._stepper.take(batch))


def fit(model: GAM, batches: Batches, schedule: Schedule, on_step: OnStep) -> None:
    """Train ``model`` in place on all batches."""
    take_steps(Stepper(model.train(), schedule), batches, on_step)


def take_steps(stepper: Stepper, batches: Iterable[Tensor], on_step: OnStep) -> None:
    """Take a step on each batch, in the loop that the settings name."""
    LOOPS[stepper.settings.loop](stepper, batches, on_step)


def bare(stepper: Stepper, batches: Iterable[Tensor], on_step: OnStep) -> None:
    """A loop and nothing else, to tell what Lightning adds."""
    for batch in batches:
        on_step(stepper.take(batch))


def lightning(stepper: Stepper, batches: Iterable[Tensor], on_step: OnStep) -> None:
    """Lightning's loop, with everything that a nano model does not need turned off."""
    module = LanguageModel(stepper, on_step)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # Advice on workers and devices that does not apply to a run in memory.
        warnings.simplefilter("ignore")
        trainer = Trainer(
            accelerator=stepper.device.type,
            devices=1,
            max_epochs=1,
            barebones=True,
            use_distributed_sampler=False,
        )
        trainer.fit(module, train_dataloaders=batches)


LOOPS = {Loop.LIGHTNING: lightning, Loop.BARE: bare}
