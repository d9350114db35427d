"""The checks ``parser`` and ``formatter``: they read the design and run nothing."""

from __future__ import annotations

import time

from genesys.errors import TreeError, UnitError
from genesys.gau.tree import GAUTree
from genesys.gau.unit import parse_module
from genesys.records import CheckReport, CheckResult, Design, Issue, Severity
from genesys_checkers.formatter import CHECK, check_format


def check_static(design: Design, placeholders: Severity) -> tuple[GAUTree | None, CheckReport]:
    """Read a design; its tree is None when it cannot be composed.

    Args:
        design: What to check.
        placeholders: How much a declared unit without code counts.
    """
    began = time.perf_counter()
    unreadable = [issue for unit in design.units if (issue := _parse(unit.name, unit.code))]
    parser = _result("parser", unreadable, began)
    if unreadable:
        return None, CheckReport(results=[parser], issues=unreadable)
    began = time.perf_counter()
    tree, issues = _read(design, placeholders)
    results = [parser, _result(CHECK, issues, began)]
    return tree, CheckReport(results=results, issues=issues)


def _parse(unit: str, code: str) -> Issue | None:
    try:
        parse_module(code, unit)
    except UnitError as error:
        return Issue.of(error, hint="A unit file is valid Python.")
    return None


def _read(design: Design, placeholders: Severity) -> tuple[GAUTree | None, list[Issue]]:
    try:
        tree = GAUTree.of(design)
    except UnitError as error:
        hint = "A unit file follows the template: marker line, one unit, its tests, children."
        return None, [Issue.of(error, CHECK, hint)]
    except TreeError as error:
        hint = "The units of a design form one tree below its root."
        return None, [Issue.of(error, CHECK, hint)]
    names = frozenset(tree.order())
    issues = [
        i
        for name in tree.order()
        if name in tree.units
        for i in check_format(tree.units[name], names)
    ]
    for name in sorted(tree.placeholders()):
        issues.append(
            Issue(
                check=CHECK,
                severity=placeholders,
                unit=name,
                message=f"{name} is declared by {', '.join(tree.parents(name))} and not written.",
                hint=f"Write the unit {name}.",
            )
        )
    return tree, issues


def _result(check: str, issues: list[Issue], began: float) -> CheckResult:
    passed = not any(issue.severity is Severity.ERROR for issue in issues)
    return CheckResult(check=check, passed=passed, seconds=time.perf_counter() - began)
