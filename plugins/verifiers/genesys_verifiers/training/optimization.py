"""How a model is optimised: AdamW, linear warm-up, cosine (app. C.3, table 12)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch.optim import AdamW, Optimizer

from genesys.gau.model import GAM
from genesys_verifiers.settings import Settings


@dataclass(frozen=True)
class Schedule:
    """The learning rate over a training.

    Attributes:
        learning_rate: At its peak.
        steps: Number of steps.
        settings: With ``warmup`` and ``floor``, and what the optimiser needs.
    """

    learning_rate: float
    steps: int
    settings: Settings

    def factor(self, step: int) -> float:
        """Share of the peak rate at a step: linear warm-up, then cosine."""
        warm = max(1, round(self.settings.warmup * self.steps))
        if step < warm:
            return (step + 1) / warm
        done = min(1.0, (step - warm) / max(1, self.steps - warm))
        floor = self.settings.floor
        return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))


def optimizer_of(model: GAM, schedule: Schedule) -> Optimizer:
    """AdamW that decays matrices only, in one fused kernel."""
    settings = schedule.settings
    inner = [p for p in model.parameters() if p is not model.head]
    groups = [
        {"params": [p for p in inner if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in inner if p.ndim <= 1] + [model.head], "weight_decay": 0.0},
    ]
    return AdamW(
        groups,
        lr=schedule.learning_rate,
        betas=settings.betas,
        eps=settings.epsilon,
        fused=True,
    )
