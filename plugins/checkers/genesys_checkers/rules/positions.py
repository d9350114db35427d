"""Where a loop takes one position of a tensor by its index."""

from __future__ import annotations

import ast

from genesys_checkers.rules.lengths import Lengths


def derived(loop: ast.AST, names: set[str]) -> set[str]:
    """The names, and those that the loop assigns a neighbouring position to."""
    found = set(names)
    for node in ast.walk(loop):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _moves(value, found):
                found.add(name)
    return found


def taken(loop: ast.AST, names: set[str], lengths: Lengths) -> list[ast.expr]:
    """Where a loop takes one position of a tensor, in the order of the text."""
    found = [
        node
        for node in ast.walk(loop)
        if (isinstance(node, ast.Subscript) and _is_position_of(node, names, lengths))
        or (isinstance(node, ast.Call) and _selects(node, names))
    ]
    return sorted(found, key=lambda n: (n.lineno, n.col_offset))


def _is_position_of(node: ast.Subscript, names: set[str], lengths: Lengths) -> bool:
    if isinstance(node.slice, ast.Tuple):
        return any(_is_position(part, names) for part in node.slice.elts[1:])
    return lengths.is_time_major(node.value) and _is_position(node.slice, names)


def _selects(call: ast.Call, names: set[str]) -> bool:
    """Whether a call is ``X.select(1, t)``, ``X.narrow(1, t, 1)`` or the like."""
    if not isinstance(call.func, ast.Attribute):
        return False
    values = [*call.args, *(k.value for k in call.keywords)]
    if call.func.attr == "narrow" and (not values or ast.unparse(values[-1]) != "1"):
        return False
    known = call.func.attr in {"select", "narrow", "index_select"}
    return known and any(_moves(value, names) for value in values)


def _is_position(part: ast.expr, names: set[str]) -> bool:
    """Whether an index takes one position: ``t``, ``t - 1`` or ``t : t + 1``."""
    if isinstance(part, ast.Slice):
        lower, upper = (offset(end, names) for end in (part.lower, part.upper))
        return lower is not None and upper is not None and upper - lower == 1
    if isinstance(part, ast.List):
        return len(part.elts) == 1 and _is_position(part.elts[0], names)
    return _moves(part, names)


def _moves(node: ast.expr, names: set[str]) -> bool:
    """Whether an expression is a sum or difference with one of the names in it."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        return _moves(node.left, names) or _moves(node.right, names)
    return isinstance(node, ast.Name) and node.id in names


def offset(node: ast.expr | None, names: set[str]) -> int | None:
    """The constant c of ``name + c``; None for another expression."""
    match node:
        case ast.Name(id=name) if name in names:
            return 0
        case ast.BinOp(left=left, op=ast.Add(), right=ast.Constant(value=int(c))):
            inner = offset(left, names)
            return None if inner is None else inner + c
        case ast.BinOp(left=ast.Constant(value=int(c)), op=ast.Add(), right=right):
            inner = offset(right, names)
            return None if inner is None else inner + c
        case ast.BinOp(left=left, op=ast.Sub(), right=ast.Constant(value=int(c))):
            inner = offset(left, names)
            return None if inner is None else inner - c
    return None
