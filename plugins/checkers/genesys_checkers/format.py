"""The checks ``parser`` and ``formatter``: they read the design, mend what they may, run nothing.

The rules help an author; they are no security boundary. The sandbox is.
"""

from __future__ import annotations

import ast
import time
import warnings
from collections.abc import Sequence

from genesys.errors import ConfigError, TreeError, UnitError
from genesys.gau.compose import compose
from genesys.gau.tree import GAUTree
from genesys.gau.unit import UnitSource, parse_module
from genesys.markers import hookimpl
from genesys.records import (
    CheckReport,
    CheckResult,
    Design,
    ErrorKind,
    Issue,
    Repair,
    Severity,
    Unit,
)
from genesys_checkers.mend import mend
from genesys_checkers.rules.finding import Finding
from genesys_checkers.rules.source import Signature, signature
from genesys_checkers.rules.template import Untidy, read_unit

PARSER, FORMATTER = "parser", "formatter"
MAX_TEXT = 1000


class FormatChecker:
    """Decides by reading whether a design follows the template (app. B.1.2, fig. 45).

    What can be repaired without changing its meaning is repaired and reported as such.

    Args:
        placeholders: ``error`` or ``warning`` for units that are declared and not written.

    Raises:
        ConfigError: A value is out of range.
    """

    def __init__(self, placeholders: str = "error") -> None:
        try:
            self._placeholders = Severity(placeholders)
        except ValueError as error:
            raise ConfigError(f"checker.format.placeholders: {error}") from None

    @hookimpl
    def check(self, design: Design) -> CheckReport:
        """Check a design; see the class."""
        began = time.perf_counter()
        parsed = [_parse(unit) for unit in design.units]
        unreadable = [found for found in parsed if isinstance(found, Issue)]
        results = [_result(PARSER, unreadable, began)]
        if unreadable:
            return CheckReport(results=results, issues=unreadable)
        began = time.perf_counter()
        modules = [found for found in parsed if isinstance(found, ast.Module)]
        issues, repairs = _read(design, modules, self._placeholders)
        results.append(_result(FORMATTER, issues, began))
        return CheckReport(results=results, issues=issues, repairs=repairs)


def _parse(unit: Unit) -> ast.Module | Issue:
    """Parse and compile a file, which finds e.g. a ``return`` outside of functions."""
    try:
        module = parse_module(unit.code, unit.name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(module, f"{unit.name}.py", "exec", dont_inherit=True)
        return module
    except UnitError as error:
        found = error
    except SyntaxError as error:
        found = UnitError(unit.name, f"syntax error: {error.msg}", error.lineno)
    except (ValueError, RecursionError, MemoryError) as error:
        found = UnitError(unit.name, f"cannot be compiled: {error}")
    return Issue.of(found, PARSER, "A unit file is valid Python.", ErrorKind.SYNTAX)


def _read(
    design: Design, modules: Sequence[ast.Module], placeholders: Severity
) -> tuple[list[Issue], list[Repair]]:
    """Every unit by itself, then the tree that they make."""
    issues: list[Issue] = []
    units: list[tuple[UnitSource, ast.Module]] = []
    for unit, module in zip(design.units, modules, strict=True):
        try:
            units.append((read_unit(unit, module), module))
        except Untidy as found:
            issues.append(_issue(unit.name, found.args[0]))
    signatures = {child.unitname: Signature() for source, _ in units for child in source.children}
    signatures |= {source.name: signature(module, source.name) for source, module in units}
    repairs: list[Repair] = []
    for source, module in units:
        findings, done = mend(source, module, signatures)
        issues += [_issue(source.name, finding) for finding in findings]
        repairs += [done] if done is not None else []
    if len(units) == len(design.units):
        issues += _tree(design, repairs, placeholders)
    return issues, repairs


def _tree(design: Design, repairs: list[Repair], placeholders: Severity) -> list[Issue]:
    """What is wrong with the units as one tree and as one module."""
    try:
        tree = GAUTree.of(design)
        compose(GAUTree.of(CheckReport(repairs=repairs).repaired(design)))
    except UnitError as error:
        return [Issue.of(error, FORMATTER, "Rename it in this unit.", ErrorKind.TEMPLATE)]
    except TreeError as error:
        hint = "The units of a design form one tree below its root."
        return [Issue.of(error, FORMATTER, hint, ErrorKind.TREE)]
    return [
        Issue(
            check=FORMATTER,
            severity=placeholders,
            kind=ErrorKind.MISSING_UNIT,
            unit=name,
            message=f"{name} is declared by {', '.join(tree.parents(name))} and not written.",
            hint=f"Write the unit {name}.",
        )
        for name in sorted(tree.placeholders())
    ]


def _issue(unit: str, finding: Finding) -> Issue:
    return Issue(
        check=FORMATTER,
        severity=finding.severity,
        kind=finding.kind,
        unit=unit,
        line=getattr(finding.node, "lineno", None),
        message=finding.message[:MAX_TEXT],
        hint=finding.hint,
    )


def _result(check: str, issues: list[Issue], began: float) -> CheckResult:
    passed = not any(issue.severity is Severity.ERROR for issue in issues)
    return CheckResult(check=check, passed=passed, seconds=time.perf_counter() - began)
