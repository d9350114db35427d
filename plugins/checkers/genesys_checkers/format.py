"""Checks ``parser`` and ``formatter``: they read the design, mend what they may, and run nothing.

The rules help an author; they are no security boundary. The sandbox is.
"""

from __future__ import annotations

import ast
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace

from genesys.errors import ConfigError, TreeError, UnitError
from genesys.gau.compose import compose
from genesys.gau.tree import GAUTree
from genesys.gau.unit import UnitSource, parse_module, parse_unit
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
from genesys_checkers.repair import apply, repair
from genesys_checkers.rules import RULES
from genesys_checkers.rules.finding import Finding
from genesys_checkers.rules.source import Signature, UnitFile, signature
from genesys_checkers.rules.template import Untidy, read_unit

PARSER, FORMATTER = "parser", "formatter"
# One repair can make room for another; more rounds than kinds of edits are never needed.
ROUNDS = 4
TOO_LONG = "Assign values to names, not hundreds of names to each other."


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
        return check_format(design, self._placeholders)[1]


def check_format(design: Design, placeholders: Severity) -> tuple[GAUTree | None, CheckReport]:
    """Read a design; its tree, as repaired, is None when there is no such tree.

    Args:
        design: What to check.
        placeholders: How much a declared unit without code counts.
    """
    began = time.perf_counter()
    parsed = [_parse(unit) for unit in design.units]
    unreadable = [found for found in parsed if isinstance(found, Issue)]
    results = [_result(PARSER, unreadable, began)]
    if unreadable:
        return None, CheckReport(results=results, issues=unreadable)
    began = time.perf_counter()
    modules = [found for found in parsed if isinstance(found, ast.Module)]
    tree, issues, repairs = _read(design, modules, placeholders)
    results.append(_result(FORMATTER, issues, began))
    return tree, CheckReport(results=results, issues=issues, repairs=repairs)


def _parse(unit: Unit) -> ast.Module | Issue:
    """Parse and compile a file, which finds e.g. a ``return`` outside of functions."""
    hint = "A unit file is valid Python."
    try:
        module = parse_module(unit.code, unit.name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(module, f"{unit.name}.py", "exec", dont_inherit=True)
    except UnitError as error:
        return Issue.of(error, PARSER, hint, ErrorKind.SYNTAX)
    except SyntaxError as error:
        found = UnitError(unit.name, f"syntax error: {error.msg}", error.lineno)
        return Issue.of(found, PARSER, hint, ErrorKind.SYNTAX)
    except (ValueError, RecursionError, MemoryError) as error:
        found = UnitError(unit.name, f"cannot be compiled: {error}")
        return Issue.of(found, PARSER, hint, ErrorKind.SYNTAX)
    return module


def _read(
    design: Design, modules: Sequence[ast.Module], placeholders: Severity
) -> tuple[GAUTree | None, list[Issue], list[Repair]]:
    issues: list[Issue] = []
    units: dict[str, tuple[UnitSource, ast.Module]] = {}
    for unit, module in zip(design.units, modules, strict=True):
        try:
            units[unit.name] = read_unit(unit, module), module
        except Untidy as found:
            issues.append(_issue(unit.name, found.args[0]))
    declared = {child.unitname for source, _ in units.values() for child in source.children}
    signatures = {name: Signature() for name in declared}
    signatures |= {name: signature(module, name) for name, (_, module) in units.items()}
    repairs: list[Repair] = []
    for source, module in units.values():
        findings, done = _check_unit(source, module, signatures)
        issues += [_issue(source.name, finding) for finding in findings]
        repairs += [done] if done is not None else []
    if len(units) < len(design.units):
        return None, issues or [_tree_issue("Two units have one name.")], repairs
    repaired = CheckReport(repairs=repairs).repaired(design)
    try:
        tree = GAUTree.of(repaired)
        compose(tree)
    except UnitError as error:
        issue = Issue.of(error, FORMATTER, "Rename it in this unit.", ErrorKind.TEMPLATE)
        return None, [*issues, issue], repairs
    except TreeError as error:
        return None, [*issues, _tree_issue(str(error))], repairs
    return tree, [*issues, *_placeholders(tree, placeholders)], repairs


def _check_unit(
    source: UnitSource, module: ast.Module, units: Mapping[str, Signature]
) -> tuple[list[Finding], Repair | None]:
    """Hold one file to the rules, and mend it until nothing more can be mended."""
    before, reasons = source.code, []
    findings = _findings(source, module, units)
    for _ in range(ROUNDS):
        edits = [f.edit for f in findings if f.edit is not None]
        mended = _mended(source, apply(source.code, edits)) if edits else source
        if mended is source:
            break
        reasons += [f.message for f in findings if f.edit is not None]
        source = mended
        findings = _findings(source, parse_module(source.code, source.name), units)
    done = repair(source.name, before, source.code, reasons) if reasons else None
    return findings, done


def _findings(
    source: UnitSource, module: ast.Module, units: Mapping[str, Signature]
) -> list[Finding]:
    file = UnitFile(source, module, units)
    try:
        found = [finding for rule in RULES for finding in rule(file)]
    except RecursionError:
        found = [Finding(ErrorKind.TEMPLATE, "Names lead on to names without an end.", TOO_LONG)]
    return [replace(f, node=f.node or file.cls) for f in found]


def _mended(source: UnitSource, code: str) -> UnitSource:
    """The unit with other code, if that still is the same unit."""
    if code == source.code:
        return source
    try:
        new = parse_unit(code, source.name)
        same = (new.name, new.children, new.tests) == (source.name, source.children, source.tests)
        return new if same else source
    except UnitError:
        return source


def _placeholders(tree: GAUTree, severity: Severity) -> list[Issue]:
    return [
        Issue(
            check=FORMATTER,
            severity=severity,
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
        message=finding.message,
        hint=finding.hint,
    )


def _tree_issue(message: str) -> Issue:
    hint = "The units of a design form one tree below its root."
    return Issue(check=FORMATTER, kind=ErrorKind.TREE, message=message, hint=hint)


def _result(check: str, issues: list[Issue], began: float) -> CheckResult:
    passed = not any(issue.severity is Severity.ERROR for issue in issues)
    return CheckResult(check=check, passed=passed, seconds=time.perf_counter() - began)
