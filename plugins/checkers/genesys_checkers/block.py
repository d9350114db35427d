"""The trusted half's handle of a design's block, which lives in a guest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from genesys.gau.compose import compose
from genesys.gau.tree import GAUTree
from genesys.records import Design, ErrorKind
from genesys.sandbox import Job, Limits, Sandbox
from genesys_checkers.asking import Asking, alive
from genesys_checkers.claims import Built, Place, Survey, UnitCall
from genesys_checkers.faults import Fault

ENTRY = "genesys_checkers.guest:BlockGuest"
Array = np.ndarray[Any, Any]


@contextmanager
def open_block(design: Design, sandbox: Sandbox, limits: Limits | None = None) -> Iterator[Block]:
    """Compose a design and load it in a guest of its own.

    Args:
        design: The design; units that are declared and not written pass X on.
        sandbox: Where the guest lives.
        limits: What it may use; None takes the sandbox's own.

    Raises:
        UnitError: The units cannot be composed.
        TreeError: Likewise.
        Fault: The design's code does not load.
        SandboxError: The machine cannot run the guest.
    """
    tree = GAUTree.of(design)
    code = compose(tree)
    job = Job(entry=ENTRY, payload={"code": code}, limits=limits)
    with alive(), sandbox.open(job) as guest:
        block = Block(tree, code, guest)
        block.load()
        yield block


class Block(Asking):
    """A design's block: one current model, which :meth:`build` makes."""

    _dtype = "float32"

    def load(self) -> None:
        """Run the design's code."""
        try:
            self.call("load")
        except Fault as fault:
            fault.kind = fault.kind or ErrorKind.LOADING
            raise

    def build(
        self,
        width: int,
        blocks: int = 2,
        dtype: str = "float32",
        open_gates: bool = False,
        device: str = "cpu",
    ) -> int:
        """Make another current model, always initialised alike; returns its parameters.

        Args:
            width: D.
            blocks: Number of blocks.
            dtype: ``float64``, ``float32`` or ``bfloat16``.
            open_gates: Whether to make zeros in parameters noise, and to shake the rest.
            device: ``cpu``, or ``meta`` to count parameters without making them.
        """
        self._dtype = dtype
        model = {"width": width, "blocks": blocks, "dtype": dtype, "device": device}
        return self.ask(Built, "build", **model, open_gates=open_gates).parameters

    def forward(
        self,
        X: Array,
        training: bool = True,
        seed: int = 0,
        forget: bool = False,
        grad: bool = False,
    ) -> Array:
        """What all blocks make of X of shape (B, L, D), in the dtype of X.

        With ``forget`` the model keeps nothing of it, such as running statistics; with ``grad``
        gradients are recorded, as in training.

        Raises:
            Fault: Y has another shape or dtype, or there is none.
        """
        mode = {"training": training, "seed": seed, "forget": forget, "grad": grad}
        answer = self.call("forward", X=X, **mode)
        Y, kind = answer.get("Y"), answer.get("kind")
        if not isinstance(Y, np.ndarray) or Y.dtype.kind != "f":
            raise Fault("The block returns no tensor of floats.", kind=ErrorKind.FORWARD)
        if Y.shape != X.shape:
            raise Fault(f"Y has shape {Y.shape} for X of shape {X.shape}.", kind=ErrorKind.SHAPE)
        # In double precision, our measuring aid, a block may return what it always does.
        if kind != self._dtype and (self._dtype, kind) != ("float64", "float32"):
            wrong = [call for call in self.survey(X, training) if call.kind != self._dtype]
            raise Fault(
                f"Y is {kind} for X of {self._dtype}.",
                wrong[0].unit if wrong else "",
                "Return a torch.Tensor in the dtype of X: Y.to(X.dtype).",
                kind=ErrorKind.DTYPE,
            )
        return Y.astype(X.dtype, copy=False)

    def blame(
        self,
        X: Array,
        X2: Array,
        row: int,
        cut: int,
        tolerance: float,
        **mode: Any,
    ) -> Place:
        """The unit whose output of ``row`` before ``cut`` moved first; a hint, empty if unknown.

        ``mode`` may name ``training``, ``seed2``, ``between`` and ``grad``: see the guest's method.
        """
        asked = {"row": row, "cut": cut, "tolerance": tolerance}
        place = self.ask(Place, "blame", X=X, X2=X2, **asked, **mode)
        return place.model_copy(update={"unit": self.unit(place.unit)})

    def survey(self, X: Array, training: bool = True) -> list[UnitCall]:
        """What the guest says of each unit's output for X, inner units first."""
        calls = self.ask(Survey, "survey", X=X, training=training).calls
        return [call.model_copy(update={"unit": self.unit(call.unit)}) for call in calls]
