# ruff: noqa: N802 - libcst calls visit_<Node> and leave_<Node>
"""Rewrites where a unit's source gets the template from, keeping every other character."""

from __future__ import annotations

from collections.abc import Iterable

import libcst as cst
from libcst.helpers import get_full_name_for_node

from genesys.errors import UnitError


def imports_moved(code: str, old: str, new: str, where: str = "unit") -> str:
    """The code with the module's ``from old import ...`` as ``from new import ...``.

    Args:
        code: Valid Python.
        old: Dotted name of a module.
        new: The module that takes its place.
        where: What to call the code in errors.

    Raises:
        UnitError: It cannot be rewritten.
    """
    return _visited(code, _Move(old, new), where)


def without(code: str, names: Iterable[str], where: str = "unit") -> str:
    """The code without these functions and variables of its module, if it has them.

    Raises:
        UnitError: It cannot be rewritten.
    """
    return _visited(code, _Drop(frozenset(names)), where)


def _visited(code: str, transformer: cst.CSTTransformer, where: str) -> str:
    try:
        return cst.parse_module(code).visit(transformer).code
    except (cst.ParserSyntaxError, cst.CSTValidationError, RecursionError) as error:
        raise UnitError(where, f"cannot be rewritten: {error}") from None


class _OfModule(cst.CSTTransformer):
    """Sees the module's own statements; what is within functions and classes stays."""

    def visit_ClassDef(self, node: cst.ClassDef) -> bool:
        return False

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        return False


class _Move(_OfModule):
    def __init__(self, old: str, new: str) -> None:
        super().__init__()
        self._old, self._new = old, cst.parse_expression(new)

    def leave_ImportFrom(
        self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom
    ) -> cst.ImportFrom:
        module = updated_node.module
        if module is None or updated_node.relative or get_full_name_for_node(module) != self._old:
            return updated_node
        assert isinstance(self._new, cst.Attribute | cst.Name)
        return updated_node.with_changes(module=self._new)


class _Drop(_OfModule):
    def __init__(self, names: frozenset[str]) -> None:
        super().__init__()
        self._names = names

    def leave_FunctionDef(
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef | cst.RemovalSentinel:
        gone = original_node.name.value in self._names
        return cst.RemoveFromParent() if gone else updated_node

    def leave_Assign(
        self, original_node: cst.Assign, updated_node: cst.Assign
    ) -> cst.Assign | cst.RemovalSentinel:
        bound = {get_full_name_for_node(target.target) for target in original_node.targets}
        return cst.RemoveFromParent() if bound & self._names else updated_node

    def leave_AnnAssign(
        self, original_node: cst.AnnAssign, updated_node: cst.AnnAssign
    ) -> cst.AnnAssign | cst.RemovalSentinel:
        bound = get_full_name_for_node(original_node.target)
        return cst.RemoveFromParent() if bound in self._names else updated_node
