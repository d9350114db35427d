"""What a rule finds in a unit's source, and how it could be mended."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from enum import Enum

from genesys.records import ErrorKind, Severity

MAX_TEXT = 200


class Place(Enum):
    """Where an edit puts its text."""

    PARAMETERS = "parameters"
    DEFAULTS = "defaults"
    ARGUMENTS = "arguments"
    BODY = "body"


@dataclass(frozen=True)
class Edit:
    """A change of the source that keeps its meaning.

    Attributes:
        place: Parameters or body of a function, or arguments of a call.
        node: That function or call.
        texts: What to add there, piece by piece; for ``DEFAULTS`` the names that get ``=None``.
    """

    place: Place
    node: ast.FunctionDef | ast.Call
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """A rule is broken.

    Attributes:
        kind: Its class of errors.
        message: What was found.
        hint: What to do about it.
        node: Where; None for the unit's class.
        severity: How much it counts.
        edit: What would mend it; None when that is the author's to decide.
    """

    kind: ErrorKind
    message: str
    hint: str
    node: ast.AST | None = None
    severity: Severity = Severity.ERROR
    edit: Edit | None = None


def short(node: ast.AST) -> str:
    """A piece of source in one line, cut to what a message can hold."""
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}..."
