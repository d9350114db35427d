"""The guest of the checks: runs the design and answers what it is asked.

Nothing here judges. It shares a process with the design's code, so whatever comes from here is
data: arrays, which the trusted half judges, and claims, which serve as hints.
"""

from __future__ import annotations

import linecache
import traceback
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch

from genesys.gau import base
from genesys.gau.load import BLOCK_FILE
from genesys.gau.parse import locate
from genesys_checkers.guest_blame import Frame, first_to_move, recorded
from genesys_checkers.guest_execution import ExecutionOps
from genesys_checkers.guest_model import SEED, array, kind_of, unchanged
from genesys_checkers.guest_training import TrainingOps

Array = np.ndarray[Any, Any]


class BlockGuest(TrainingOps, ExecutionOps):
    """A design's block in a guest; :class:`genesys_checkers.block.Block` is its handle."""

    def forward(
        self,
        X: Array,
        training: bool = True,
        seed: int = SEED,
        forget: bool = False,
        grad: bool = False,
    ) -> dict[str, Any]:
        """What the blocks make of X, and the name of its dtype or class.

        Args:
            X: Of shape (B, L, D).
            training: Mode of the model.
            seed: Of the random numbers that the block draws.
            forget: Whether the model is put back to what it was before.
            grad: Whether gradients are recorded, as in training.
        """
        kept = unchanged(self.model) if forget else nullcontext()
        with self._settled(grad=grad, seed=seed), kept:
            self.model.train(training)
            given = self._tensor(X)
            # In training X comes from the embedding: a tensor with a gradient, and no leaf.
            Y = self._through_blocks(given.requires_grad_().clone() if grad else given)
        return {"Y": array(Y), "kind": kind_of(Y)}

    def blame(
        self,
        X: Array,
        X2: Array,
        row: int,
        cut: int,
        tolerance: float,
        training: bool = True,
        seed2: int = SEED,
        between: Array | None = None,
        grad: bool = False,
    ) -> dict[str, Any]:
        """Run both inputs and name the innermost unit whose output moved first.

        Args:
            X: Of shape (B, L, D).
            X2: The same with something replaced.
            row: The row that is looked at.
            cut: The positions before it are looked at.
            tolerance: Relative change that counts as none.
            training: Mode of the model.
            seed2: Of the random numbers in the second run.
            between: An input to run between the two.
            grad: Whether gradients are recorded.
        """
        frame = Frame(X.shape[0], X.shape[1], row, cut)
        with recorded(self.model) as before:
            self.forward(X, training, grad=grad)
        if between is not None:
            self.forward(between, training)
        with recorded(self.model) as after:
            self.forward(X2, training, seed2, grad=grad)
        call = first_to_move(before, after, frame, tolerance)
        return {"unit": call.unit if call else "", "path": call.path if call else ""}

    def survey(self, X: Array, training: bool = True) -> dict[str, Any]:
        """Each unit's outputs when X goes through the blocks, inner units first."""
        with recorded(self.model) as calls:
            self.forward(X, training)
        return {
            "calls": [
                {
                    "unit": call.unit,
                    "path": call.path,
                    "finite": bool(torch.isfinite(call.Y).all()),
                    "kind": call.kind,
                }
                for call in calls
            ]
        }

    def describe(self, error: BaseException) -> dict[str, Any]:
        """Unit and line of the innermost frame in a unit, and the traceback in the units' terms."""
        if isinstance(error, SyntaxError):
            place = locate(self._code, error.lineno or 0)
            return {"unit": place[0] if place else "", "line": place and place[1], "trace": ""}
        unit, line, frames = "", None, []
        for frame, number in traceback.walk_tb(error.__traceback__):
            name = frame.f_code.co_name
            place = None
            if frame.f_code.co_filename == BLOCK_FILE:
                place = locate(self._code, number)
            if place:
                unit, line = place
                source = linecache.getline(BLOCK_FILE, number).strip()
                frames.append(f"{unit}.py, line {line}, in {name}\n    {source}\n")
            elif frame.f_code.co_filename == base.__file__ and name == "_finish":
                # The unit has returned something that breaks the contract.
                unit, line = type(frame.f_locals["self"]).__name__, None
        return {"unit": unit, "line": line, "trace": "".join(frames)}
