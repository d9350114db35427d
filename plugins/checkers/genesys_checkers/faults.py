"""What a check finds wrong, and the issue that says so."""

from __future__ import annotations

from genesys.records import ErrorKind, Issue
from genesys.sandbox.channel import printable

MAX_TEXT = 4000
HINTS = {
    "initialization": "The block is built as GAB(embed_dim=..., block_loc=..., device=..., "
    "dtype=..., **args) at any even width that its heads divide.",
    "forward": "The block maps X of any shape (B, L, D) to finite Y of the same shape.",
    "unit_tests": "Each function marked with gau_test runs without an exception.",
    "backward": "The loss can be differentiated, and the gradients are finite.",
    "causality": "The output at a position depends on that position and those before it.",
    "differentiability": "The loss depends smoothly on each parameter of the block.",
    "effectiveness": "The block learns, at a cost like that of the GPT seed.",
}


class Fault(Exception):  # noqa: N818 - it is what a check found, not an error of the program
    """A check failed.

    Args:
        message: What was found.
        unit: The unit at fault; empty for the whole block.
        hint: What to do, if it can be said better than by the check's name.
        line: One-based line in the unit's file.
        kind: Its class of errors; that of the check by default.
        output: Captured output or traceback.
    """

    def __init__(
        self,
        message: str,
        unit: str = "",
        hint: str = "",
        *,
        line: int | None = None,
        kind: ErrorKind | None = None,
        output: str = "",
    ) -> None:
        super().__init__(message)
        self.message, self.unit, self.hint = message, unit, hint
        self.line, self.kind, self.output = line, kind, output

    def issue(self, check: str, kind: ErrorKind | None = None, hint: str = "") -> Issue:
        """What a check reports; ``kind`` and ``hint`` serve where the fault has none."""
        return Issue(
            check=check,
            kind=self.kind or kind,
            unit=self.unit,
            line=self.line,
            message=cleaned(self.message),
            hint=cleaned(self.hint or hint),
            output=cleaned(self.output[-MAX_TEXT:]),
        )


def cleaned(text: str) -> str:
    """Text that may come from generated code, so that it can be shown and kept."""
    return printable(text[:MAX_TEXT])
