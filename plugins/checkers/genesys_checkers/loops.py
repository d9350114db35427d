"""Finds loops that walk the time axis by indexing."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from genesys.gau.unit import is_test


def time_loops(module: ast.Module) -> Iterator[ast.Subscript]:
    """The first subscript such as ``X[:, t]`` or ``X[..., t, :]`` of each loop over ``t``.

    Tests are left out: a slow loop is what a fast form is compared with there.
    """
    for loop in (n for part in module.body if not is_test(part) for n in ast.walk(part)):
        if not (isinstance(loop, ast.For) and isinstance(loop.target, ast.Name)):
            continue
        found = (
            node
            for node in ast.walk(loop)
            if isinstance(node, ast.Subscript) and _takes_position(node.slice, loop.target.id)
        )
        yield from list(found)[:1]


def _takes_position(index: ast.expr, name: str) -> bool:
    """Whether an index takes the one position ``name`` of an axis after the first."""
    parts = index.elts[1:] if isinstance(index, ast.Tuple) else []
    return any(_is_position(part, name) for part in parts)


def _is_position(part: ast.expr, name: str) -> bool:
    if isinstance(part, ast.Slice):
        # t : t + 1
        lower, upper = part.lower, part.upper
        return (
            isinstance(lower, ast.Name)
            and lower.id == name
            and upper is not None
            and ast.unparse(upper) == f"{name} + 1"
        )
    return isinstance(part, ast.Name) and part.id == name
