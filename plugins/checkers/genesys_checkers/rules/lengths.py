"""Which expressions of a unit are the sequence's length, as far as reading shows."""

from __future__ import annotations

import ast
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from genesys_checkers.rules.axes import RESHAPES, is_moved, is_size, is_time, outside_of_last_axis

Key = TypeVar("Key", bound=Hashable)

# What authors call the length, unless they assign something else to the name.
NAMES = frozenset(
    {"L", "T", "length", "n_positions", "n_tokens", "num_steps", "num_tokens", "positions"}
    | {"seq_len", "seq_length", "seqlen", "sequence_length", "time_steps", "timesteps"}
)
# What they call parameters that a helper is given.
WEIGHTS = frozenset(
    {"bias", "filter", "filters", "kernel", "kernels", "table", "taps", "weight", "weights"}
)


class Lengths:
    """The lengths in one function.

    Args:
        nodes: All nodes of the function.
        fixed: Names of its arguments that are parameters of the unit, and no sequences.
    """

    def __init__(self, nodes: Iterable[ast.AST], fixed: frozenset[str] = frozenset()) -> None:
        self._fixed = dict.fromkeys(fixed, True)
        self._values: dict[str, list[ast.AST]] = {}
        self._lengths: dict[str, bool] = {}
        self._shapes: dict[tuple[str, bool], bool] = {}
        self._reshaped: dict[str, bool] = {}
        for node in nodes:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._assign(target, node.value)
            elif isinstance(node, ast.NamedExpr | ast.AnnAssign) and node.value is not None:
                self._assign(node.target, node.value)

    def is_length(self, node: ast.AST) -> bool:
        """Whether an expression is L, or L and some constant."""
        match node:
            case ast.Name(id=name):
                return _once(self._lengths, name, lambda: self._is_length_name(name))
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
                return self.is_length(left) or self.is_length(right)
            case ast.Call(func=ast.Name(id="int"), args=[inner]) | ast.NamedExpr(value=inner):
                return self.is_length(inner)
            case ast.Subscript(value=shape, slice=axis):
                return is_time(axis) and self._is_shape(shape)
        return is_size(node) and self._is_shape(node)

    def value(self, node: ast.expr) -> ast.expr:
        """What a variable is, if it is assigned once; else the expression itself."""
        values = self._values.get(node.id, []) if isinstance(node, ast.Name) else []
        first = values[0] if len(values) == 1 else node
        return first if isinstance(first, ast.expr) else node

    def is_time_major(self, node: ast.AST) -> bool:
        """Whether a variable is a tensor whose first axis was moved there."""
        values = self._values.get(node.id, []) if isinstance(node, ast.Name) else []
        return any(is_moved(value) for value in values)

    def is_fixed(self, node: ast.AST) -> bool:
        """Whether an expression is a parameter or setting of the unit, or made of such."""
        match node:
            case ast.Name(id="self") | ast.Constant():
                return True
            case ast.Name(id=name):
                return _once(self._fixed, name, lambda: self._is_fixed_name(name))
            case ast.Attribute(value=inner) | ast.Subscript(value=inner):
                return self.is_fixed(inner)
            case ast.BinOp(left=left, right=right):
                return self.is_fixed(left) and self.is_fixed(right)
            case ast.Call(func=ast.Attribute(value=owner)):
                # ``self.map(X)`` is a layer's output, ``self.weight.exp()`` is none.
                is_method = not (isinstance(owner, ast.Name) and owner.id == "self")
                return is_method and self.is_fixed(owner)
        return False

    def _is_fixed_name(self, name: str) -> bool:
        values = self._values.get(name)
        if values is None:
            return name in WEIGHTS
        return all(isinstance(v, ast.expr) and self.is_fixed(v) for v in values)

    def _is_length_name(self, name: str) -> bool:
        values = self._values.get(name)
        if values is None:
            return name in NAMES
        return any(
            self._unpacks_length(v, name) if isinstance(v, _Unpacked) else self.is_length(v)
            for v in values
        )

    def _unpacks_length(self, value: _Unpacked, name: str) -> bool:
        """``B, L, D = X.shape`` by position; with more or fewer axes the name must say it."""
        if isinstance(value.value, ast.Tuple):
            inner = value.value.elts[value.index : value.index + 1]
            return any(self.is_length(element) for element in inner)
        if not self._is_shape(value.value, reshaped=True):
            return False
        if value.count == 3 and self._is_shape(value.value):
            return value.index == 1
        return name in NAMES or (value.count == 2 and value.index == 1)

    def _is_shape(self, node: ast.AST, reshaped: bool = False) -> bool:
        """Whether a node is the shape of a sequence, whose second axis is the time or may be."""
        match node:
            case ast.Attribute(attr="shape", value=tensor):
                pass
            case ast.Call(func=ast.Attribute(attr="size", value=tensor)):
                pass
            case ast.Subscript(value=shape, slice=ast.Slice(lower=None)):
                return self._is_shape(shape, reshaped)
            case ast.Name(id=name):
                values = self._values.get(name, [])
                return _once(
                    self._shapes,
                    (name, reshaped),
                    lambda: any(self._is_shape(v, reshaped) for v in values),
                )
            case _:
                return False
        return not self.is_fixed(tensor) and (reshaped or not self._is_reshaped(tensor))

    def _is_reshaped(self, node: ast.AST) -> bool:
        """Whether the second axis of a tensor may be another than the time."""
        return any(
            (isinstance(inner, ast.Attribute) and inner.attr in RESHAPES)
            or (isinstance(inner, ast.Name) and self._is_reshaped_name(inner.id))
            for inner in outside_of_last_axis(node)
        )

    def _is_reshaped_name(self, name: str) -> bool:
        parts = [v.value if isinstance(v, _Unpacked) else v for v in self._values.get(name, [])]
        return _once(
            self._reshaped,
            name,
            lambda: name == "rearrange" or any(self._is_reshaped(part) for part in parts),
        )

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


def _once(known: dict[Key, bool], key: Key, find: Callable[[], bool]) -> bool:
    """An answer that is found only once; names that lead in a circle lead nowhere."""
    if key not in known:
        known[key] = False
        known[key] = find()
    return known[key]
