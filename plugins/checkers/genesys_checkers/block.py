"""The trusted half's handle of a design's block, which lives in a guest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from pydantic import ValidationError

from genesys.gau.compose import compose
from genesys.gau.parse import sections
from genesys.gau.tree import GAUTree
from genesys.records import Design, ErrorKind
from genesys.sandbox import GuestEnded, GuestRaised, Job, JobStatus, Limits, Sandbox
from genesys_checkers.claims import AnyClaim, Built, Description, Owned, Place, Survey, UnitCall
from genesys_checkers.faults import Fault

ENTRY = "genesys_checkers.guest:BlockGuest"
Array = np.ndarray[Any, Any]
# What to say of a guest that has gone, by its status.
_ENDS = {
    JobStatus.TIMEOUT: (
        ErrorKind.TIMEOUT,
        "does not come to an end",
        "Look for loops without an end.",
    ),
    JobStatus.CPU: (ErrorKind.TIMEOUT, "does not come to an end", "Look for loops without an end."),
    JobStatus.MEMORY: (ErrorKind.MEMORY, "takes too much memory", "Compute in smaller pieces."),
}
_DIED = (ErrorKind.CRASH, "ends its process", "Compute tensors only; do not end the process.")


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
    try:
        with sandbox.open(Job(entry=ENTRY, payload={"code": code}, limits=limits)) as guest:
            block = Block(tree, code, guest)
            block.load()
            yield block
    except GuestEnded as error:
        raise _ended(error) from None


class Block:
    """Asks the guest, and makes a :class:`Fault` of what it does wrong.

    Args:
        tree: The design's units.
        code: What they are composed to.
        guest: Runs it.

    Attributes:
        guest: For calls beyond these, ``output``, ``cpu_seconds`` and ``peak_memory_mb``.
        tree: The design's units.
    """

    def __init__(self, tree: GAUTree, code: str, guest: Any) -> None:
        self.tree, self.guest = tree, guest
        self._code, self._dtype = code, "float32"

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
        self, X: Array, training: bool = True, seed: int = 0, forget: bool = False
    ) -> Array:
        """What all blocks make of X of shape (B, L, D), in the dtype of X.

        With ``forget`` the model keeps nothing of it, such as running statistics.

        Raises:
            Fault: Y has another shape or dtype, or there is none.
        """
        answer = self.call("forward", X=X, training=training, seed=seed, forget=forget)
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

        ``mode`` may name ``training``, ``seed2`` and ``between``: see the guest's method.
        """
        asked = {"row": row, "cut": cut, "tolerance": tolerance}
        place = self.ask(Place, "blame", X=X, X2=X2, **asked, **mode)
        return place.model_copy(update={"unit": self.unit(place.unit)})

    def survey(self, X: Array, training: bool = True) -> list[UnitCall]:
        """What the guest says of each unit's output for X, inner units first."""
        calls = self.ask(Survey, "survey", X=X, training=training).calls
        return [call.model_copy(update={"unit": self.unit(call.unit)}) for call in calls]

    def unit(self, name: str) -> str:
        """The name, if one of the design's units has it; else nothing."""
        return name if name in self.tree.units else ""

    def ask(self, claim: type[AnyClaim], method: str, **asked: Any) -> AnyClaim:
        """Call a method whose answer is a claim.

        Raises:
            Fault: The guest raises, ends, or says something else.
        """
        return self.read(claim, self.call(method, **asked))

    def read(self, claim: type[AnyClaim], answer: dict[str, Any]) -> AnyClaim:
        """An answer as a claim.

        Raises:
            Fault: It is something else.
        """
        try:
            return claim.model_validate(answer)
        except ValidationError:
            raise Fault(
                "The design changes what measures it.",
                hint="Units compute tensors and leave all else as it is.",
                kind=ErrorKind.CRASH,
            ) from None

    def call(self, method: str, **asked: Any) -> dict[str, Any]:
        """Call a method of the guest.

        Raises:
            Fault: The guest raises or ends.
        """
        try:
            answer: dict[str, Any] = self.guest.call(method, **asked)
        except GuestRaised as error:
            raise self._raised(error) from None
        except GuestEnded as error:
            raise _ended(error) from None
        return answer

    def cpu_seconds(self) -> float:
        """CPU time of the guest so far, measured from outside.

        Raises:
            Fault: The guest is gone.
        """
        try:
            return self.guest.cpu_seconds()
        except GuestEnded as error:
            raise _ended(error) from None

    def peak_memory_mb(self) -> float:
        """Most MiB that the guest took since this was last asked, measured from outside.

        Raises:
            Fault: The guest is gone.
        """
        try:
            return self.guest.peak_memory_mb()
        except GuestEnded as error:
            raise _ended(error) from None

    def _raised(self, error: GuestRaised) -> Fault:
        try:
            found = Description.model_validate(error.details)
        except ValidationError:
            found = Description()
        unit = self.unit(found.unit)
        message = f"{error.type}: {error.message}" if error.message else error.type
        output = f"{self.guest.output()}{found.trace}"
        line = self.line(unit, found.line)
        kind = ErrorKind.SHAPE if "must keep the shape" in error.message else None
        return Fault(message, unit, line=line, kind=kind, output=output)

    def line(self, unit: str, line: int | None) -> int | None:
        """The line, if the unit's file has it."""
        if not unit or line is None:
            return None
        return line if 1 <= line <= self.tree.units[unit].code.count("\n") + 1 else None

    def blamed(self, owned: Owned, message: str, hint: str, kind: ErrorKind) -> Fault:
        """A fault of a parameter, at the line that makes it."""
        name = re.escape(owned.attribute)
        pattern = rf"""self\.{name}\b|['"]{name}['"]"""
        return self.fault_at(owned.unit, pattern, message, hint, kind)

    def fault_at(self, unit: str, pattern: str, message: str, hint: str, kind: ErrorKind) -> Fault:
        """A fault of a unit, at its first line that holds the pattern."""
        unit = self.unit(unit)
        lines = self.tree.units[unit].code.split("\n") if unit else []
        line = next((n for n, text in enumerate(lines, 1) if re.search(pattern, text)), None)
        return Fault(message, unit, hint, line=line, kind=kind)

    def tests(self, unit: str) -> dict[str, str]:
        """Names of a unit's own tests, each with its name in the composed block."""
        if unit not in self.tree.units:  # a placeholder
            return {}
        renamed = {s.name: s.names for s in sections(self._code) if s.kind == "unit"}
        return {test: renamed[unit].get(test, test) for test in self.tree.units[unit].tests}


def _ended(error: GuestEnded) -> Fault:
    kind, what, hint = _ENDS.get(error.status, _DIED)
    message = f"The design {what}: {error.message}."
    return Fault(message, hint=hint, kind=kind, output=error.output)
