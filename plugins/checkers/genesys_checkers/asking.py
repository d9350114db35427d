"""Asking a guest, and making a fault of what it does wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from genesys.gau.tree import GAUTree
from genesys.records import ErrorKind
from genesys.sandbox import Guest, GuestEnded, GuestRaised, JobStatus
from genesys_checkers.claims import AnyClaim, Description
from genesys_checkers.faults import Fault
from genesys_checkers.unit_files import UnitFiles

# What to say of a guest that has gone, by its status.
_ENDLESS = (ErrorKind.TIMEOUT, "does not come to an end", "Look for loops without an end.")
_ENDS = {
    JobStatus.TIMEOUT: _ENDLESS,
    JobStatus.CPU: _ENDLESS,
    JobStatus.MEMORY: (ErrorKind.MEMORY, "takes too much memory", "Compute in smaller pieces."),
}
_DIED = (ErrorKind.CRASH, "ends its process", "Compute tensors only; do not end the process.")


class Asking(UnitFiles):
    """Speaks with the guest that runs a design.

    Args:
        tree: The design's units.
        code: What they are composed to.
        guest: Runs it.

    Attributes:
        guest: For what is not asked here, such as its output.
    """

    def __init__(self, tree: GAUTree, code: str, guest: Guest) -> None:
        super().__init__(tree, code)
        self.guest, self._running = guest, ""

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
            self._running = ""
            return self.guest.call(method, self._hear, **asked)
        except GuestRaised as error:
            raise self._raised(error) from None
        except GuestEnded as error:
            fault = _ended(error)
            fault.unit = self._running
            raise fault from None

    def cpu_seconds(self) -> float:
        """CPU time of the guest so far, measured from outside.

        Raises:
            Fault: The guest is gone.
        """
        with alive():
            return self.guest.cpu_seconds()

    def peak_memory_mb(self) -> float:
        """Most MiB that the guest took since this was last asked, measured from outside.

        Raises:
            Fault: The guest is gone.
        """
        with alive():
            return self.guest.peak_memory_mb()

    def _hear(self, event: dict[str, Any]) -> None:
        self._running = self.unit(str(event.get("unit")))

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


@contextmanager
def alive() -> Iterator[None]:
    """Make a fault of the end of a guest."""
    try:
        yield
    except GuestEnded as error:
        raise _ended(error) from None


def _ended(error: GuestEnded) -> Fault:
    kind, what, hint = _ENDS.get(error.status, _DIED)
    message = f"The design {what}: {error.message}."
    return Fault(message, hint=hint, kind=kind, output=error.output)
