"""What the methods of tensors do to their axes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

MOVES = frozenset({"movedim", "permute", "swapaxes", "swapdims", "transpose"})
# What may move the time axis elsewhere, or cut it.
RESHAPES = MOVES | frozenset(
    {"chunk", "mT", "rearrange", "reshape", "split", "T", "unflatten", "unfold", "view"}
)
SAME = frozenset({"clone", "contiguous", "float", "to"})


def is_moved(value: ast.AST) -> bool:
    """Whether a value is a tensor with its axes in another order."""
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        if value.func.attr in MOVES:
            return True
        if value.func.attr not in SAME:
            return False
        value = value.func.value
    return False


def is_time(axis: ast.AST) -> bool:
    """Whether an index means the second axis of (B, L, D)."""
    return isinstance(axis, ast.expr) and ast.unparse(axis) in {"1", "-2"}


def is_size(node: ast.AST) -> bool:
    """Whether a node is a call such as ``X.size(1)``."""
    if not isinstance(node, ast.Call):
        return False
    values = [*node.args, *(k.value for k in node.keywords)]
    return len(values) == 1 and is_time(values[0])


def outside_of_last_axis(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of an expression, but for methods that cut the last axis: ``x.chunk(3, -1)``."""
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        skipped = node.func if _cuts_last_axis(node) else None  # type: ignore[attr-defined]
        for child in ast.iter_child_nodes(node):
            pending.append(child.value if child is skipped else child)


def _cuts_last_axis(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr="chunk" | "split"), args=args, keywords=keywords):
            values = [*args, *(k.value for k in keywords if k.arg == "dim")]
            return len(values) > 1 and ast.unparse(values[-1]) in {"-1", "2"}
    return False
