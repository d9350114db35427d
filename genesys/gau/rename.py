# ruff: noqa: N802 - libcst calls visit_<Node> and leave_<Node>
"""Renames module-level names in a unit's source, keeping every other character."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import libcst as cst
from libcst.metadata import GlobalScope, MetadataWrapper, ScopeProvider

from genesys.gau.unit import DECLARATIONS


def rename(code: str, names: Mapping[str, str]) -> str:
    """Rename what the module defines, imports, or expects others to define.

    Names that a function, class or comprehension binds for itself, attributes and keyword
    arguments stay as they are, whatever they are called.

    Args:
        code: Valid Python.
        names: New name by old name.
    """
    return _renamed(code, tuple(sorted(names.items()))) if names else code


@lru_cache(maxsize=256)
def _renamed(code: str, names: tuple[tuple[str, str], ...]) -> str:
    """Attempts at a unit rename the same callers again and again."""
    wrapper = MetadataWrapper(cst.parse_module(code))
    return wrapper.visit(_Rename(dict(names))).code


class _Rename(cst.CSTTransformer):
    METADATA_DEPENDENCIES = (ScopeProvider,)

    def __init__(self, names: Mapping[str, str]) -> None:
        super().__init__()
        self.names = names
        self.kept: set[cst.CSTNode] = set()
        self.in_declarations = False

    def visit_Attribute(self, node: cst.Attribute) -> None:
        self.kept.add(node.attr)

    def visit_Arg(self, node: cst.Arg) -> None:
        if node.keyword is not None:
            self.kept.add(node.keyword)

    def visit_ImportAlias(self, node: cst.ImportAlias) -> bool:
        return False  # leave_ImportAlias does all of it

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        if node.module is not None:
            self.kept.add(node.module)

    def leave_ImportAlias(
        self, original_node: cst.ImportAlias, updated_node: cst.ImportAlias
    ) -> cst.ImportAlias:
        bound = original_node.evaluated_alias or original_node.evaluated_name
        if bound not in self.names:
            return updated_node
        new = cst.Name(self.names[bound])
        old = updated_node.asname
        return updated_node.with_changes(
            asname=old.with_changes(name=new) if old else cst.AsName(name=new)
        )

    def visit_Assign(self, node: cst.Assign) -> None:
        self.in_declarations = any(_is_declarations(t.target) for t in node.targets)

    def leave_Assign(self, original_node: cst.Assign, updated_node: cst.Assign) -> cst.Assign:
        self.in_declarations = False
        return updated_node

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        self.in_declarations = _is_declarations(node.target)

    def leave_AnnAssign(
        self, original_node: cst.AnnAssign, updated_node: cst.AnnAssign
    ) -> cst.AnnAssign:
        self.in_declarations = False
        return updated_node

    def leave_SimpleString(
        self, original_node: cst.SimpleString, updated_node: cst.SimpleString
    ) -> cst.SimpleString:
        value = original_node.evaluated_value
        if not (self.in_declarations and isinstance(value, str) and value in self.names):
            return updated_node
        return updated_node.with_changes(
            value=original_node.value.replace(value, self.names[value])
        )

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        new = self.names.get(original_node.value)
        if new is None or original_node in self.kept or not self._is_global(original_node):
            return updated_node
        return updated_node.with_changes(value=new)

    def _is_global(self, node: cst.Name) -> bool:
        scope = self.get_metadata(ScopeProvider, node, None)
        if scope is None:  # e.g. the names of a ``global`` statement
            return True
        bindings = scope[node.value]
        return all(isinstance(b.scope, GlobalScope) for b in bindings)


def _is_declarations(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Name) and node.value == DECLARATIONS
