"""Runs the rows of a plugin's checks on a block and says what came of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from genesys.errors import SandboxError, TreeError, UnitError
from genesys.records import CheckReport, CheckResult, Design, ErrorKind, Issue, Severity
from genesys.sandbox import Limits, Sandbox
from genesys_checkers.block import Block, open_block
from genesys_checkers.faults import HINTS, Fault

_FAILURES = (Fault, UnitError, TreeError, SandboxError)
Row = tuple[str, Callable[[Block], None]]
# Class of the errors of a row that say none themselves.
KINDS = {
    "initialization": ErrorKind.INITIALIZATION,
    "forward": ErrorKind.FORWARD,
    "unit_tests": ErrorKind.UNIT_TEST,
    "backward": ErrorKind.BACKWARD,
    "differentiability": ErrorKind.BACKWARD,
    "causality": ErrorKind.CAUSALITY,
    "effectiveness": ErrorKind.NO_LEARNING,
}


def run_checks(
    rows: Sequence[Row], design: Design, sandbox: Sandbox, limits: Limits | None = None
) -> CheckReport:
    """Open a design's block and run the rows in order, up to the first :class:`Fault`.

    Opening counts to the first row. The report's ``checked`` is False when the machine could not
    run the design.

    Args:
        rows: Names of rows of table 1, and what checks them.
        design: The design.
        sandbox: Where it runs.
        limits: What it may use; None takes the sandbox's own.
    """
    results: list[CheckResult] = []
    name, began = rows[0][0], time.perf_counter()
    try:
        with open_block(design, sandbox, limits) as block:
            for name, check in rows:
                check(block)
                results.append(_result(name, True, began))
                began = time.perf_counter()
    except _FAILURES as error:
        return _failed(name, error, began, results)
    return CheckReport(results=results)


def run_check(name: str, check: Callable[[], None]) -> CheckReport:
    """Run a row that opens its guests itself.

    Args:
        name: Of the row of table 1.
        check: Raises what it finds, as the rows of :func:`run_checks` do.
    """
    began = time.perf_counter()
    try:
        check()
    except _FAILURES as error:
        return _failed(name, error, began, [])
    return CheckReport(results=[_result(name, True, began)])


def _failed(name: str, error: Exception, began: float, results: list[CheckResult]) -> CheckReport:
    if isinstance(error, SandboxError):
        unable = Issue(check="sandbox", severity=Severity.WARNING, message=str(error))
        return CheckReport(results=results, issues=[unable], checked=False)
    if isinstance(error, UnitError | TreeError):
        issue = Issue.of(error, name)
    elif isinstance(error, Fault):
        issue = error.issue(name, KINDS.get(name), HINTS.get(name, ""))
    else:
        raise error
    return CheckReport(results=[*results, _result(name, False, began)], issues=[issue])


def _result(check: str, passed: bool, began: float) -> CheckResult:
    return CheckResult(check=check, passed=passed, seconds=time.perf_counter() - began)
