"""Errors that a person is meant to read: what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genesys.records import Finding

MOST_LISTED = 100  # of the names that there are; of more, only those near to a wrong one are told


class GenesysError(Exception):
    """Base of all errors that the command line prints as one message, without a traceback."""


class ConfigError(GenesysError):
    """A config value that cannot work."""


class UnknownNameError(GenesysError, LookupError):
    """A name that is not registered.

    Args:
        kind: What was looked up, e.g. ``selector``.
        name: The name that was asked for.
        known: The names there are.
        hint: What to do besides fixing a typo.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = "") -> None:
        known = sorted(known)
        near = get_close_matches(name, known, n=5, cutoff=0.5)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        if len(known) > MOST_LISTED:
            others = f" Others are near: {', '.join(near[1:])}." if near[1:] else ""
        else:
            others = f" Available: {', '.join(known) or 'none'}."
        more = f" {hint}" if hint else ""
        super().__init__(f"No {kind} named {name!r}.{guess}{others}{more}")


class PluginError(GenesysError):
    """A plugin that cannot be imported, built or trusted to keep its hook's contract."""


class MissingExtraError(GenesysError):
    """An optional dependency is not installed.

    Args:
        feature: What needs it.
        extra: The extra to install.
    """

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an extra: pip install 'genesys[{extra}]'")


class UnitError(GenesysError):
    """Source code of a unit, tree or block that does not follow the template.

    Attributes:
        unit: The unit's name, or the file it was read from.
        line: One-based line in the unit's own source; None when it concerns the whole.
        message: What is wrong and what was expected.
    """

    def __init__(self, unit: str, message: str, line: int | None = None) -> None:
        self.unit, self.message, self.line = unit, message, line
        where = unit if line is None else f"{unit}:{line}"
        super().__init__(f"{where}: {message}")


class TreeError(GenesysError):
    """A GAU tree that is not whole: missing, doubled or cyclic units."""


class StoreError(GenesysError):
    """A run folder that cannot be read or written."""


class RunLockedError(StoreError):
    """Another process works on this run folder."""


class RepeatedFaultError(GenesysError):
    """The same fault again and again, which will not end by itself."""


class BudgetError(GenesysError):
    """The next step might cost more than the run may; nothing was sent."""


class SourceError(GenesysError):
    """A knowledge source that cannot answer now; the session goes on with what others find.

    Args:
        source: As in ``Finding.source``, e.g. ``arxiv``.
        reason: What keeps it from answering, for a person and for a model.
        hint: What to do about it, for a person.
        found: What it found all the same, where a part of it has answered.
    """

    def __init__(
        self, source: str, reason: str, hint: str = "", found: Sequence[Finding] = ()
    ) -> None:
        self.source, self.reason, self.hint, self.found = source, reason, hint, list(found)
        super().__init__(f"{source}: {reason}." + (f" {hint}" if hint else ""))


class SandboxError(GenesysError):
    """A sandbox worker that cannot be started: the machine's fault, never the design's."""
