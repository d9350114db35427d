"""Rule: no unit in an ``nn.Sequential``, which would not hand Z on."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from genesys.records import ErrorKind
from genesys_checkers.rules.finding import Finding
from genesys_checkers.rules.source import UnitFile

SEQUENTIAL = frozenset({"torch.nn.Sequential", "torch.nn.modules.container.Sequential"})
ADD = frozenset({"add_module", "append", "extend", "insert"})


def sequential(file: UnitFile) -> Iterator[Finding]:
    """Units are called one after the other, so that each is handed Z."""
    held = _held(file)
    for node in file.running:
        if not isinstance(node, ast.Call):
            continue
        units = set()
        if file.names.qualified(node.func) in SEQUENTIAL:
            units = _units(file, [*node.args, *(k.value for k in node.keywords)], held)
        elif (
            isinstance(node.func, ast.Attribute)
            and node.func.attr in ADD
            and "" in held.get(file.names.qualified(node.func.value), ())
        ):
            units = _units(file, node.args, held)
        if units:
            yield Finding(
                ErrorKind.TEMPLATE,
                f"{min(units)} stands in an nn.Sequential, which does not hand Z on.",
                "Keep units in an nn.ModuleList and call each: X, Z = unit(X, **Z).",
                node,
            )


def _units(file: UnitFile, values: list[ast.expr], held: dict[str, set[str]]) -> set[str]:
    """Names of the units among values: made there, or held by a variable."""
    found: set[str] = set()
    pending: list[ast.AST] = list(values)
    while pending:
        node = pending.pop()
        name = file.names.qualified(node)
        if name:
            found |= held.get(name, set()) - {""}
        elif isinstance(node, ast.Call) and (made := _made(file, node)):
            found.add(made)
        elif not isinstance(node, ast.Attribute | ast.Lambda):
            pending += ast.iter_child_nodes(node)
    return found


def _made(file: UnitFile, call: ast.Call) -> str:
    is_unit = isinstance(call.func, ast.Name) and call.func.id in file.units
    return call.func.id if is_unit and isinstance(call.func, ast.Name) else ""


def _held(file: UnitFile) -> dict[str, set[str]]:
    """Units that variables and attributes hold, by name; "" marks an nn.Sequential."""
    held: dict[str, set[str]] = {}
    for node in file.running:
        if isinstance(node, ast.Assign):
            found = _units(file, [node.value], {})
            if isinstance(node.value, ast.Call):
                found |= {""} if file.names.qualified(node.value.func) in SEQUENTIAL else set()
            for target in node.targets:
                held.setdefault(file.names.qualified(target), set()).update(found)
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ADD
        ):
            owner = file.names.qualified(node.func.value)
            held.setdefault(owner, set()).update(_units(file, node.args, {}))
    return held
