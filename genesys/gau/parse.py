"""Reads a ``gab.py`` back into its GAU tree: the inverse of ``genesys.gau.compose``."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from genesys.errors import TreeError, UnitError
from genesys.gau.compose import unrename
from genesys.gau.tree import GAUTree
from genesys.gau.unit import SECTION, UnitSource, parse_module, parse_unit


@dataclass(frozen=True)
class Section:
    """A part of ``gab.py``.

    Attributes:
        kind: ``unit``, ``placeholder`` or ``block``.
        name: Of the unit; of the root unit for the block.
        names: Helpers that were renamed, new name by old name.
        code: The text below the header.
        line: One-based line of ``gab.py`` where ``code`` begins.
    """

    kind: str
    name: str
    names: dict[str, str]
    code: str
    line: int


def parse_block(code: str) -> GAUTree:
    """The tree that a ``gab.py`` was composed from, each unit file to the letter.

    Raises:
        TreeError: The text was not written by ``compose``.
        UnitError: A unit in it does not follow the template.
    """
    units: dict[str, UnitSource] = {}
    root, args = "", {}
    for section in sections(code):
        if section.kind == "unit":
            if section.name in units:
                raise TreeError(f"Two units are called {section.name!r}; rename one.")
            source = unrename(section.code.removesuffix("\n"), section.names)
            units[section.name] = parse_unit(source, section.name)
        elif section.kind == "block":
            root, args = section.name, _config(section)
    if not root:
        raise TreeError("This is no composed block: it has no section 'block'.")
    return GAUTree(root, units, args)


def sections(code: str) -> Iterator[Section]:
    """The sections of a ``gab.py`` from top to bottom; the module's header is left out.

    Raises:
        TreeError: A section's header is garbled.
    """
    lines = code.split("\n")
    starts = [n for n, text in enumerate(lines) if text.startswith(SECTION)]
    for start, end in pairwise([*starts, len(lines)]):
        yield _section(lines[start], "\n".join(lines[start + 1 : end]), start + 2)


def locate(code: str, line: int) -> tuple[str, int] | None:
    """The unit and the line in its own file for a line of ``gab.py``; None outside of units."""
    for section in sections(code):
        own = line - section.line + 1
        if section.kind == "unit" and 1 <= own <= section.code.count("\n") + 1:
            return section.name, own
    return None


def _section(header: str, code: str, line: int) -> Section:
    kind, _, rest = header.removeprefix(SECTION).partition(" ")
    name, _, note = rest.partition(" ")
    try:
        names = json.loads(note or "{}")
    except ValueError:
        raise TreeError(f"Line {line - 1} is no header of a section: {header!r}") from None
    if kind not in {"unit", "placeholder", "block"} or not isinstance(names, dict):
        raise TreeError(f"Line {line - 1} is no header of a section: {header!r}")
    return Section(kind, name, names, code, line)


def _config(section: Section) -> dict[str, Any]:
    for node in parse_module(section.code, "block").body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "gab_config":
            try:
                value = ast.literal_eval(node.value)
            except (ValueError, TypeError):  # e.g. a key that cannot be hashed
                break
            if isinstance(value, dict):
                return value
    raise UnitError("block", "gab_config must be a dict of literals")
