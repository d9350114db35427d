"""A hash of what a tree is, whatever it looks like: for finding designs that are not new."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping

from genesys.gau.tree import GAUTree
from genesys.gau.unit import UnitSource, is_declarations, is_test, parse_module


def structural_hash(tree: GAUTree) -> str:
    """A hash, in 32 hexadecimal digits, of the tree's running code and arguments.

    Equal for trees that differ only in formatting, comments, docstrings, tests, declarations, or
    the names of their units.
    """
    essences = {name: _essence(unit) for name, unit in tree.units.items()}
    order = _order(tree, essences)
    names = {name: f"U{position}" for position, name in enumerate(order)}
    codes = [_normal(tree.units[n], essences[n], names) if n in essences else "" for n in order]
    text = json.dumps([codes, dict(tree.args)], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _order(tree: GAUTree, essences: Mapping[str, ast.Module]) -> list[str]:
    """Units by first mention in the code, which unlike ``order`` ignores how they are declared."""
    found: dict[str, None] = {}
    pending = [tree.root]
    while pending:
        name = pending.pop()
        if name not in found:
            found[name] = None
            if name in essences:
                pending += reversed(_mentioned(tree.units[name], essences[name]))
    return list(found)


def _mentioned(unit: UnitSource, essence: ast.Module) -> list[str]:
    declared = {decl.unitname for decl in unit.children}
    used = [n.id for n in _walk(essence) if isinstance(n, ast.Name) and n.id in declared]
    return list(dict.fromkeys([*used, *sorted(declared)]))


def _walk(node: ast.AST) -> list[ast.AST]:
    """All nodes in the order of the text."""
    return [node, *(n for child in ast.iter_child_nodes(node) for n in _walk(child))]


def _essence(unit: UnitSource) -> ast.Module:
    """The unit without tests, declarations and docstrings."""
    module = parse_module(unit.code, unit.name)
    module.body = [n for n in module.body if not (is_test(n) or is_declarations(n))]
    for node in ast.walk(module):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [n for n in body if not _is_text(n)] or [ast.Pass()]  # type: ignore[attr-defined]
    return module


def _normal(unit: UnitSource, essence: ast.Module, names: Mapping[str, str]) -> str:
    """The essence as text, with the unit and its children renamed in place."""
    own = {unit.name, *(decl.unitname for decl in unit.children)}
    names = {name: new for name, new in names.items() if name in own}
    for node in ast.walk(essence):
        if isinstance(node, ast.Name):
            node.id = names.get(node.id, node.id)
        elif isinstance(node, ast.ClassDef):
            node.name = names.get(node.name, node.name)
    return ast.unparse(essence)


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
