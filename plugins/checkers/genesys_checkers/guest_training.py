"""What the guest can be asked about training and its cost. Runs in the guest."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import clip_grads_with_norm_

from genesys_checkers.guest_blame import recorded
from genesys_checkers.guest_model import GuestModel, array, owner
from genesys_checkers.guest_spent import most, spent
from genesys_checkers.guest_work import Work

Array = np.ndarray[Any, Any]
CLIP = 1.0


class TrainingOps(GuestModel):
    """Methods of the effectiveness check."""

    _optimizer: torch.optim.Optimizer
    _logits: Tensor

    def begin_training(self, learning_rate: float) -> dict[str, Any]:
        """Train the current model from here on."""
        parameters = self.model.parameters()
        self._optimizer = torch.optim.AdamW(parameters, lr=learning_rate, foreach=True)
        return {}

    def logits(self, ids: Array, seed: int) -> dict[str, Any]:
        """Logits of shape (B, L, V) for ids of shape (B, L), kept for :meth:`step`."""
        with self._settled(seed=seed):
            self.model.train()
            self._logits = self.model(torch.tensor(ids))
        return {"logits": array(self._logits)}

    def step(self, G: Array) -> dict[str, Any]:
        """Go one step down the gradient.

        Args:
            G: The gradient of the last logits.

        Returns:
            ``norm``, that of the parameters' gradient, None when it is not finite; and ``unit``,
            which has most of it.
        """
        with self._settled():
            self._optimizer.zero_grad()
            self._logits.backward(self._tensor(G))  # type: ignore[no-untyped-call]
            del self._logits
            moved = [(n, p) for n, p in self.model.named_parameters() if p.grad is not None]
            norms = torch.stack([torch.linalg.vector_norm(p.grad) for _, p in moved])
            norm = torch.linalg.vector_norm(norms)
            clip_grads_with_norm_([p for _, p in moved], CLIP, norm)
            self._optimizer.step()
        value, steepest = float(norm), moved[int(norms.argmax())][0]
        return {
            "norm": value if math.isfinite(value) else None,
            "unit": owner(self.model, steepest)[0],
        }

    def not_finite(self, ids: Array, seed: int) -> dict[str, Any]:
        """The innermost unit whose output is the first that is not finite."""
        with recorded(self.model) as calls:
            self.logits(ids, seed)
        odd = (call for call in calls if not bool(torch.isfinite(call.Y).all()))
        call = next(odd, None)
        return {"unit": call.unit, "path": call.path} if call else {}

    def work(self, X: Array) -> dict[str, Any]:
        """What running X of shape (B, L, D) through the blocks computes.

        Returns:
            ``flops``, ``elements``, and ``unit``, which has most of them.
        """
        work = Work()
        with work, spent(self.model, lambda: work.flops + work.elements) as amounts:
            self._run(X)
        return {"flops": work.flops, "elements": work.elements, "unit": most(amounts)}

    def slowest(self, X: Array) -> dict[str, Any]:
        """The unit that takes most of the time of running X through the blocks."""
        with spent(self.model, time.thread_time) as amounts:
            self._run(X)
        return {"unit": most(amounts)}

    def _run(self, X: Array) -> None:
        with self._settled(grad=False):
            self.model.train()
            self._through_blocks(self._tensor(X))
