"""A design as files that a person keeps: read as text, pointed into, and repaired."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from genesys.errors import GenesysError, TreeError, UnitError
from genesys.files import write_text
from genesys.gau.compose import compose
from genesys.gau.folder import DESIGN_FILE, UNITS_FOLDER, read_design_file
from genesys.gau.parse import parse_block, sections
from genesys.gau.tree import GAUTree
from genesys.gau.unit import SECTION, parse_unit
from genesys.records import Argument, Design, Issue, Repair, Unit

_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)


@dataclass(frozen=True)
class Source:
    """What lies at a path: a design folder, a composed ``gab.py``, or a unit file.

    Attributes:
        path: Where it lies.
        design: What it says. Its code may be anything, and its tree need not be whole.
        composed: Whether it is a ``gab.py``.
    """

    path: Path
    design: Design
    composed: bool = False

    @classmethod
    def read(cls, path: Path) -> Source:
        """Read what lies at a path; a unit file with the files beside it for what it calls.

        Raises:
            TreeError, UnitError: It is no design, whatever the code of its units.
            GenesysError: There is nothing.
            OSError: A file cannot be read.
            UnicodeDecodeError: A file is no text.
        """
        try:
            if path.is_dir():
                return cls(path, _read_folder(path))
            if not path.exists():
                raise GenesysError(f"There is no {path}.")
            code = _text(path)
            if _is_composed(code):
                tree = parse_block(code)
                return cls(path, tree.as_design(tree.root), composed=True)
            return cls(path, _read_unit(path, code))
        except ValidationError as error:
            first = error.errors()[0]
            raise TreeError(f"{path}: {first['msg']}: {first['input']!r}") from None

    def where(self, issue: Issue, repairs: Sequence[Repair] = ()) -> str:
        """The issue's place as ``file:line``, so that editors and terminals can jump to it.

        Args:
            issue: Found in the design as repaired.
            repairs: Those that are not in the files.
        """
        if issue.unit not in {unit.name for unit in self.design.units}:
            return issue.place or str(self.path)
        if issue.line is None:
            return str(self._file(issue.unit))
        line = issue.line
        for repair in reversed([repair for repair in repairs if repair.unit == issue.unit]):
            line = line_before(repair.diff, line)
        return f"{self._file(issue.unit)}:{line + self._first_line(issue.unit) - 1}"

    def write(self, design: Design) -> list[Path]:
        """Put another code of the same units into the files; those that changed.

        Each file is replaced in one step.

        Raises:
            GenesysError: A file cannot be written.
        """
        known = {unit.name: unit.code for unit in self.design.units}
        texts = {self._file(u.name): u.code for u in design.units if u.code != known[u.name]}
        if texts and self.composed:
            texts = {self.path: compose(GAUTree.of(design))}
        for file, text in texts.items():
            try:
                write_text(file.resolve(), text)
            except OSError as error:
                raise GenesysError(f"{file} cannot be written: {error}") from None
        return list(texts)

    def _file(self, unit: str) -> Path:
        if self.path.is_dir():
            return self.path / UNITS_FOLDER / f"{unit}.py"
        if self.composed or unit == self.design.root:
            return self.path
        return self.path.with_name(f"{unit}.py")

    def _first_line(self, unit: str) -> int:
        """In a composed block a unit's own line 1 lies further down."""
        starts = {s.name: s.line for s in sections(_text(self.path))} if self.composed else {}
        return starts.get(unit, 1)


def line_before(diff: str, line: int) -> int:
    """Where a line of a file stood before a unified diff; for a new line, where it came in."""
    moved = 0
    for hunk in _HUNK.finditer(diff):
        old, before, new, after = (int(number or 1) for number in hunk.groups())
        old, new = (
            old + (not before),
            new + (not after),
        )  # a side of no lines starts at the one above
        if line < new:
            break
        if line < new + after:
            return _line_in_hunk(diff[hunk.end() :].split("\n")[1:], old, line - new)
        moved = new + after - old - before
    return max(1, line - moved)


def _line_in_hunk(body: list[str], old: int, offset: int) -> int:
    for text in body:
        if not text.startswith("-"):
            if offset == 0:
                break
            offset -= 1
        old += not text.startswith("+")
    return max(1, old)


def _read_folder(path: Path) -> Design:
    if not (path / DESIGN_FILE).is_file():
        raise GenesysError(f"{path} is no design folder: it has no {DESIGN_FILE}.")
    data = read_design_file(path)
    files = sorted((path / UNITS_FOLDER).glob("*.py"), key=lambda f: (f.stem != data["root"], f))
    return Design(
        name=data["name"],
        root=data["root"],
        units=[Unit(name=file.stem, code=_text(file)) for file in files],
        args=_arguments(path, data.get("args") or {}),
    )


def _arguments(path: Path, args: dict[str, Any]) -> list[Argument]:
    try:
        values = {str(name): json.dumps(value) for name, value in args.items()}
    except (TypeError, ValueError) as error:
        raise TreeError(f"{path}: the arguments of a block must be JSON: {error}") from None
    return [Argument(name=name, json_value=value) for name, value in sorted(values.items())]


def _read_unit(path: Path, code: str) -> Design:
    root, missing = _outline(code, path)
    units = {root: code}
    while missing:
        file = path.with_name(f"{missing.pop()}.py")
        if file.stem not in units and file.is_file():
            units[file.stem] = _text(file)
            missing += _outline(units[file.stem], file)[1]
    return Design(name=root, root=root, units=[Unit(name=n, code=c) for n, c in units.items()])


def _outline(code: str, path: Path) -> tuple[str, list[str]]:
    """Name and children of a unit, as far as its code can be read."""
    try:
        unit = parse_unit(code, path.stem)
    except UnitError:
        return path.stem, []
    return unit.name, [child.unitname for child in unit.children]


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8")


def _is_composed(code: str) -> bool:
    return any(line.startswith(SECTION) for line in code.split("\n"))
