"""The files of a design's units: what a guest says of them is looked up here."""

from __future__ import annotations

import re

from genesys.gau.parse import sections
from genesys.gau.tree import GAUTree
from genesys.records import ErrorKind
from genesys_checkers.claims import Owned
from genesys_checkers.faults import Fault


class UnitFiles:
    """A design's units, and where in them something is.

    Args:
        tree: The design's units.
        code: What they are composed to.

    Attributes:
        tree: The design's units.
    """

    def __init__(self, tree: GAUTree, code: str) -> None:
        self.tree, self._code = tree, code

    def unit(self, name: str) -> str:
        """The name, if one of the design's units has it; else nothing."""
        return name if name in self.tree.units else ""

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
