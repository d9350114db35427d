"""Lines of function-body code, a measure of how much a block does (LFC, table 4)."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator

from genesys.gau.unit import is_test

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


def function_lines(code: str) -> int:
    """Lines with code in the bodies of functions and methods.

    Not counted are blank lines, comments, docstrings, the ``def`` itself, and functions marked with
    ``gau_test``.

    Args:
        code: Of a unit; it parses.
    """
    inside: set[int] = set()
    for function in _outermost(ast.parse(code)):
        inside.update(range(function.body[0].lineno, (function.end_lineno or 0) + 1))
        for node in ast.walk(function):
            if isinstance(node, _Function | ast.ClassDef) and ast.get_docstring(node) is not None:
                inside -= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(inside & _lines_with_code(code))


def _outermost(node: ast.AST) -> Iterator[_Function]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, _Function):
            yield from _outermost(child)
        elif not is_test(child):
            yield child


def _lines_with_code(code: str) -> set[int]:
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return {
        line
        for token in tokens
        if token.type not in _NO_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
