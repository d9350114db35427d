"""Whether a unit runs a part of itself in a type that it chose, whatever type it is asked for."""

from __future__ import annotations

import ast

from genesys_checkers.rules.source import UnitFile

CHOICES = frozenset({"autocast", "double", "float", "float32", "float64", "promote_types"})
BACK = frozenset({"to", "type", "type_as"})


class Types:
    """The types that a unit's methods, ``__init__`` aside, choose.

    Args:
        file: The unit.
    """

    def __init__(self, file: UnitFile) -> None:
        self._file = file
        self._values: dict[str, list[ast.AST]] = {}
        self._uses: dict[str, list[ast.AST]] = {}
        self._any = False
        for node in (n for body in file.cls.body if body is not file.init for n in ast.walk(body)):
            self._any = self._any or _is_choice(node)
            if isinstance(node, ast.Assign):
                for name in (n for target in node.targets for n in ast.walk(target)):
                    if isinstance(name, ast.Name):
                        self._values.setdefault(name.id, []).append(node.value)
            elif isinstance(node, ast.Attribute) and _is_own(node, node.attr):
                self._uses.setdefault(node.attr, []).append(node)

    def chosen_for(self, part: ast.AST) -> bool:
        """Whether a layer or parameter made in ``__init__`` meets tensors of a chosen type.

        Such a part has to stay as it is: ``self.gate(X.float())`` needs float32 in ``self.gate``.
        """
        if not self._any:
            return False
        attribute = _attribute(self._file, part)
        uses = self._uses.get(attribute, [])
        return _chosen([node for use in uses for node in _met(self._file, use)], self._values)


def _attribute(file: UnitFile, part: ast.AST) -> str:
    """Which attribute of the unit holds a part; empty if that cannot be read."""
    for node in file.around(part):
        if isinstance(node, ast.Assign):
            target = node.targets[0]
            is_own = isinstance(target, ast.Attribute) and _is_own(target, target.attr)
            return target.attr if isinstance(target, ast.Attribute) and is_own else ""
    return ""


def _met(file: UnitFile, use: ast.AST) -> list[ast.AST]:
    """What meets a part where it is used, as far as that can be read."""
    for node in file.around(use):
        if isinstance(node, ast.Call):
            if (
                isinstance(node.func, ast.Attribute)
                and node.func.attr in BACK
                and use in ast.walk(node.func)
            ):
                return []  # the part itself is cast
            inside = [*node.args, *(k.value for k in node.keywords)]
            if inside or not isinstance(node.func, ast.Attribute):
                return list(inside)
        elif isinstance(node, ast.BinOp):
            return [node.left, node.right]
        elif isinstance(node, ast.comprehension | ast.stmt):
            return []
    return []


def _chosen(pending: list[ast.AST], values: dict[str, list[ast.AST]]) -> bool:
    """Whether a type is chosen in expressions or what they are made of, and not taken back."""
    seen: set[str] = set()
    while pending:
        node = pending.pop()
        if _is_choice(node):
            return True
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in BACK:
            pending += [*node.args, *(k.value for k in node.keywords)]
        elif isinstance(node, ast.Name):
            if node.id not in seen:
                seen.add(node.id)
                pending += [v for v in values.get(node.id, []) if _is_cast_call(v)]
        else:
            pending += ast.iter_child_nodes(node)
    return False


def _is_choice(node: ast.AST) -> bool:
    """Whether a node names a type, or asks a part of the unit for its own."""
    if not isinstance(node, ast.Attribute):
        return False
    first: ast.AST = node.value
    while isinstance(first, ast.Attribute):
        first = first.value
    is_own = isinstance(first, ast.Name) and first.id == "self"
    return node.attr in CHOICES or (node.attr == "dtype" and is_own)


def _is_own(node: ast.Attribute, attribute: str) -> bool:
    return node.attr == attribute and isinstance(node.value, ast.Name) and node.value.id == "self"


def _is_cast_call(value: ast.AST) -> bool:
    """Whether a value is cast as its last step, as in ``wide = X.double()``."""
    return isinstance(value, ast.Call) and _is_choice(value.func) and not value.args
