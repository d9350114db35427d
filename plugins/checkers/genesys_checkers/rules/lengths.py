"""Which expressions of a unit are the sequence's length, as far as reading shows."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

# What authors call the length, unless they assign something else to the name.
NAMES = frozenset(
    {"L", "T", "length", "n_positions", "n_tokens", "num_steps", "num_tokens", "positions"}
    | {"seq_len", "seq_length", "seqlen", "sequence_length", "time_steps", "timesteps"}
)
# What may move the time axis elsewhere, or cut it.
RESHAPES = frozenset(
    {"chunk", "movedim", "mT", "permute", "rearrange", "reshape", "split", "swapaxes"}
    | {"swapdims", "T", "transpose", "unflatten", "unfold", "view"}
)
MOVES = frozenset({"movedim", "permute", "swapaxes", "swapdims", "transpose"})
SAME = frozenset({"clone", "contiguous", "float", "to"})


class Lengths:
    """The lengths in one function.

    Args:
        nodes: All nodes of the function.
    """

    def __init__(self, nodes: Iterable[ast.AST]) -> None:
        self._values: dict[str, list[ast.AST]] = {}
        for node in nodes:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._assign(target, node.value)
            elif isinstance(node, ast.NamedExpr | ast.AnnAssign) and node.value is not None:
                self._assign(node.target, node.value)

    def is_length(self, node: ast.AST, seen: frozenset[str] = frozenset()) -> bool:
        """Whether an expression is L, or L and some constant."""
        match node:
            case ast.Name(id=name) if name not in seen:
                values = self._values.get(name)
                if values is None:
                    return name in NAMES
                return any(self._is_length_of(v, name, seen | {name}) for v in values)
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
                return self.is_length(left, seen) or self.is_length(right, seen)
            case ast.Call(func=ast.Name(id="int"), args=[inner]) | ast.NamedExpr(value=inner):
                return self.is_length(inner, seen)
            case ast.Subscript(value=shape, slice=axis):
                return _is_time(axis) and self._shape_of(shape, seen)
        return _is_size(node) and self._shape_of(node, seen)

    def value(self, node: ast.expr) -> ast.expr:
        """What a variable is, if it is assigned once; else the expression itself."""
        values = self._values.get(node.id, []) if isinstance(node, ast.Name) else []
        first = values[0] if len(values) == 1 else node
        return first if isinstance(first, ast.expr) else node

    def is_time_major(self, node: ast.AST) -> bool:
        """Whether a variable is a tensor whose first axis was moved there."""
        values = self._values.get(node.id, []) if isinstance(node, ast.Name) else []
        return any(self._is_moved(value) for value in values)

    def _is_length_of(self, value: ast.AST, name: str, seen: frozenset[str]) -> bool:
        if isinstance(value, _Unpacked):
            return self._unpacks_length(value, name, seen)
        return self.is_length(value, seen)

    def _unpacks_length(self, value: _Unpacked, name: str, seen: frozenset[str]) -> bool:
        """``B, L, D = X.shape`` by position; with more or fewer axes the name must say it."""
        if isinstance(value.value, ast.Tuple):
            inner = value.value.elts[value.index : value.index + 1]
            return any(self.is_length(element, seen) for element in inner)
        if not self._shape_of(value.value, seen, reshaped=True):
            return False
        if value.count == 3 and self._shape_of(value.value, seen):
            return value.index == 1
        return name in NAMES or (value.count == 2 and value.index == 1)

    def _shape_of(self, node: ast.AST, seen: frozenset[str], reshaped: bool = False) -> bool:
        """Whether a node is the shape of a tensor whose second axis is the time."""
        match node:
            case ast.Attribute(attr="shape", value=tensor):
                pass
            case ast.Call(func=ast.Attribute(attr="size", value=tensor)):
                pass
            case ast.Subscript(value=shape, slice=ast.Slice(lower=None)):
                return self._shape_of(shape, seen, reshaped)
            case ast.Name(id=name) if name not in seen:
                values = self._values.get(name, [])
                return any(self._shape_of(v, seen | {name}, reshaped) for v in values)
            case _:
                return False
        return reshaped or not self._is_reshaped(tensor, frozenset())

    def _is_reshaped(self, node: ast.AST, seen: frozenset[str]) -> bool:
        """Whether the second axis of a tensor may be another than the time."""
        for inner in _outside_of_last_axis(node):
            if isinstance(inner, ast.Attribute) and inner.attr in RESHAPES:
                return True
            if isinstance(inner, ast.Name) and inner.id not in seen:
                values = self._values.get(inner.id, [])
                parts = [v.value if isinstance(v, _Unpacked) else v for v in values]
                if inner.id == "rearrange" or any(
                    self._is_reshaped(part, seen | {inner.id}) for part in parts
                ):
                    return True
        return False

    def _is_moved(self, value: ast.AST) -> bool:
        while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
            if value.func.attr in MOVES:
                return True
            if value.func.attr not in SAME:
                return False
            value = value.func.value
        return False

    def _assign(self, target: ast.AST, value: ast.AST) -> None:
        if isinstance(target, ast.Name):
            self._values.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Tuple | ast.List):
            for index, part in enumerate(target.elts):
                self._assign(part, _Unpacked(value, index, len(target.elts)))


class _Unpacked(ast.AST):
    """One of the names that a tuple is unpacked to."""

    def __init__(self, value: ast.AST, index: int, count: int) -> None:
        super().__init__()
        self.value, self.index, self.count = value, index, count


def _is_time(axis: ast.AST) -> bool:
    return isinstance(axis, ast.expr) and ast.unparse(axis) in {"1", "-2"}


def _is_size(node: ast.AST) -> bool:
    """Whether a node is a call such as ``X.size(1)``."""
    if not isinstance(node, ast.Call):
        return False
    values = [*node.args, *(k.value for k in node.keywords)]
    return len(values) == 1 and _is_time(values[0])


def _outside_of_last_axis(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below a node, but for methods that cut the last axis: ``x.chunk(3, dim=-1)``."""
    yield node
    skipped = None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        values = [*node.args, *(k.value for k in node.keywords if k.arg == "dim")]
        last = len(values) > 1 and ast.unparse(values[-1]) in {"-1", "2"}
        if last and node.func.attr in {"chunk", "split"}:
            skipped = node.func
            yield from _outside_of_last_axis(node.func.value)
    for child in ast.iter_child_nodes(node):
        if child is not skipped:
            yield from _outside_of_last_axis(child)
