"""Rules of the unit's own tests (app. B.1.5)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from genesys.gau.unit import is_test
from genesys.records import ErrorKind, Severity
from genesys_checkers.rules.finding import Finding
from genesys_checkers.rules.signatures import add_factory
from genesys_checkers.rules.source import FACTORY, UnitFile, arguments, defaulted, positional

HINT = "@gau_test\ndef test_{}(device=None, dtype=None) -> None:"


def unit_tests(file: UnitFile) -> Iterator[Finding]:
    """There is a test at module level that tests something, and each can be called."""
    hint = HINT.format(file.unit.name.lower())
    tests = [n for n in file.module.body if isinstance(n, ast.FunctionDef) and is_test(n)]
    functions = [n for n in file.nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    known = {*tests}
    lost = [n for n in functions if _is_marked(n) and n not in known]
    real = {test for test in tests if not _is_empty(test)}
    severity = Severity.WARNING if real else Severity.ERROR
    for node in lost:
        message = f"The test {node.name} is never run."
        where = "A test is a plain function at module level."
        yield Finding(ErrorKind.NO_TEST, message, where, node, severity)
    for test in tests:
        if test not in real:
            message = f"The test {test.name} is empty."
            yield Finding(ErrorKind.NO_TEST, message, "Assert something.", test, severity)
    if not tests and not lost:
        message = "The unit has no test."
        what = f"Write at least one function decorated with @gau_test:\n{hint}"
        yield Finding(ErrorKind.NO_TEST, message, what)
    for test in tests:
        yield from _arguments(file, test, hint)


def _arguments(file: UnitFile, test: ast.FunctionDef, hint: str) -> Iterator[Finding]:
    missing = [n for n in FACTORY if n not in arguments(test)]
    if missing and test.args.kwarg is None:
        yield Finding(
            ErrorKind.ARGUMENTS,
            f"The test {test.name} does not take {' and '.join(missing)}.",
            hint,
            test,
            edit=add_factory(file, test),
        )
    taken = [a.arg for a in (*positional(test), *test.args.kwonlyargs)]
    for name in [n for n in taken if n not in {*FACTORY, *defaulted(test)}][:1]:
        yield Finding(
            ErrorKind.ARGUMENTS,
            f"The test {test.name} asks for {name}, which it is not given.",
            hint,
            test,
        )


def _is_marked(node: ast.AST) -> bool:
    """Whether a function of any kind, anywhere, is decorated with ``gau_test``."""
    if isinstance(node, ast.AsyncFunctionDef):
        return any("gau_test" in ast.unparse(d) for d in node.decorator_list)
    return is_test(node)


def _is_empty(test: ast.FunctionDef) -> bool:
    """Whether a test holds nothing but texts, ``pass`` and bare returns."""
    return all(
        isinstance(n, ast.Pass)
        or (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))
        or (isinstance(n, ast.Return) and (n.value is None or isinstance(n.value, ast.Constant)))
        for n in test.body
    )
