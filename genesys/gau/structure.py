"""A hash of what a tree is, whatever it looks like: for finding designs that are not new."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from genesys.gau.tree import GAUTree
from genesys.gau.unit import UnitSource, is_declarations, is_test, read_module


def structural_hash(tree: GAUTree) -> str:
    """A hash, in 32 hexadecimal digits, of the tree's running code and arguments.

    Equal for trees that differ only in formatting, comments, docstrings, tests, declarations, or
    the names of their units.
    """
    forms = {name: _form_of(unit) for name, unit in tree.units.items()}
    names = {name: f"U{position}" for position, name in enumerate(_order(tree.root, forms))}
    codes = [forms[name].text(names) if name in forms else "" for name in names]
    text = json.dumps([codes, dict(tree.args)], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def running_code(unit: UnitSource) -> str:
    """The unit's code without what :func:`structural_hash` ignores; names of units are left open.

    Equal for units that do the same in the same words.
    """
    return _form_of(unit).open


@dataclass(frozen=True)
class _Form:
    """A unit's running code, in which the names of units are left open.

    Attributes:
        own: Names of the unit and of those it declares.
        mentioned: The declared ones, by their first mention in the code.
        open: The code, with the position in ``own`` for each of these names.
    """

    own: tuple[str, ...]
    mentioned: tuple[str, ...]
    open: str

    def text(self, names: Mapping[str, str]) -> str:
        """The code with these names."""
        return _GAP.sub(lambda gap: names[self.own[int(gap[1])]], self.open)


# What stands for a name: no Python has this character, and unparsed code has none in its strings.
_GAP = re.compile("\0(\\d+)\0")


def _order(root: str, forms: Mapping[str, _Form]) -> list[str]:
    """Units by first mention in the code, which unlike ``order`` ignores how they are declared."""
    found: dict[str, None] = {}
    pending = [root]
    while pending:
        name = pending.pop()
        if name not in found:
            found[name] = None
            if name in forms:
                pending += reversed(forms[name].mentioned)
    return list(found)


def _form_of(unit: UnitSource) -> _Form:
    return _form(unit.code, (unit.name, *(decl.unitname for decl in unit.children)))


@lru_cache(maxsize=4096)  # children have most of their units from their parents
def _form(code: str, own: tuple[str, ...]) -> _Form:
    module = read_module(code)
    module.body = [n for n in module.body if not (is_test(n) or is_declarations(n))]
    gaps = {name: f"\0{position}\0" for position, name in enumerate(own)}
    used: dict[str, None] = {}
    for node in _walk(module):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [n for n in body if not _is_text(n)] or [ast.Pass()]  # type: ignore[attr-defined]
        if isinstance(node, ast.Name):
            used.setdefault(node.id)
            node.id = gaps.get(node.id, node.id)
        elif isinstance(node, ast.ClassDef):
            node.name = gaps.get(node.name, node.name)
    declared = set(own[1:])
    mentioned = [*(name for name in used if name in declared), *sorted(declared - used.keys())]
    return _Form(own, tuple(mentioned), ast.unparse(module))


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes in the order of the text; what is taken out of one that was met is left out."""
    pending = [node]
    while pending:
        latest = pending.pop()
        yield latest
        pending += reversed(list(ast.iter_child_nodes(latest)))


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
