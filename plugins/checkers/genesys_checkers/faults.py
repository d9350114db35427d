"""From what went wrong in a worker to an issue that names the unit and the line in its file."""

from __future__ import annotations

import linecache
import traceback

from genesys.gau.load import BLOCK_FILE
from genesys.gau.parse import locate
from genesys.records import ErrorKind, Issue, Severity
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


def as_issue(check: str, error: BaseException, code: str, output: str) -> Issue:
    """Describe what ended a check.

    Args:
        check: Its name.
        error: A fault, or anything that generated code raised.
        code: The composed block.
        output: What was printed meanwhile.
    """
    if isinstance(error, Fault):
        hint = error.hint or HINTS[check]
        return issue(check, error.message, error.unit, hint=hint, output=output)
    unit, line, trace = _trace(error, code)
    message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return issue(check, message, unit, line, HINTS[check], f"{output}{trace}")


def issue(
    check: str,
    message: str,
    unit: str = "",
    line: int | None = None,
    hint: str = "",
    output: str = "",
    severity: Severity = Severity.ERROR,
) -> Issue:
    """An issue whose texts are cut to a length that a person reads."""
    return Issue(
        check=check,
        severity=severity,
        unit=unit,
        line=line,
        message=message[:MAX_TEXT],
        hint=hint,
        output=output[-MAX_TEXT:],
    )


def _trace(error: BaseException, code: str) -> tuple[str, int | None, str]:
    """Unit and line of the innermost frame in a unit, and the traceback in the units' terms."""
    from genesys.gau import base

    if isinstance(error, SyntaxError):
        place = locate(code, error.lineno or 0)
        return (*place, "") if place else ("", None, "")
    unit, line, frames = "", None, []
    for frame, number in traceback.walk_tb(error.__traceback__):
        name = frame.f_code.co_name
        place = locate(code, number) if frame.f_code.co_filename == BLOCK_FILE else None
        if place:
            unit, line = place
            source = linecache.getline(BLOCK_FILE, number).strip()
            frames.append(f"{unit}.py, line {line}, in {name}\n    {source}\n")
        elif frame.f_code.co_filename == base.__file__ and name == "_finish":
            # The unit has returned something that breaks the contract.
            unit, line = type(frame.f_locals["self"]).__name__, None
    return unit, line, "".join(frames)
