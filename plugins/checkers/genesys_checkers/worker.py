"""The sandbox job of the symbolic checker: all checks that run the design's code."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

# The FLOP counter loads it at first use: here that happens once, in the sandbox's host.
import torch._dynamo  # noqa: F401

from genesys.records import CheckResult, Issue
from genesys.sandbox.child import is_out_of_memory
from genesys_checkers.causality import check_causality
from genesys_checkers.differentiability import check_differentiability
from genesys_checkers.faults import as_issue
from genesys_checkers.guard import Guard
from genesys_checkers.interim_effectiveness import check_effectiveness
from genesys_checkers.passes import (
    check_backward,
    check_forward,
    check_initialization,
    check_unit_tests,
)
from genesys_checkers.settings import Outcome, Request
from genesys_checkers.subject import Subject

CHECKS: tuple[tuple[str, Callable[[Subject], None]], ...] = (
    ("initialization", check_initialization),
    ("forward", check_forward),
    ("unit_tests", check_unit_tests),
    ("backward", check_backward),
    ("causality", check_causality),
    ("differentiability", check_differentiability),
    ("effectiveness", check_effectiveness),
)


def run(
    payload: dict[str, Any], emit: Callable[[dict[str, Any]], None], scratch: str
) -> dict[str, Any]:
    """Run the checks in order up to the first that fails (table 1).

    Args:
        payload: A :class:`Request`.
        emit: Told the name of each check that begins, as ``{"check": name}``.
        scratch: Not used.

    Returns:
        An :class:`Outcome`.
    """
    request = Request.model_validate(payload)
    runner = _Runner(request.code, emit)
    subject = Subject(request)
    for name, check in CHECKS:
        if not runner.attempt(name, check, subject):
            break
    return Outcome(results=runner.results, issues=runner.issues).model_dump(mode="json")


class _Runner:
    """Runs checks and keeps what came of them."""

    def __init__(self, code: str, emit: Callable[[dict[str, Any]], None]) -> None:
        self._code, self._emit = code, emit
        self._check_intact = Guard().check  # made before the design is loaded
        self.results: list[CheckResult] = []
        self.issues: list[Issue] = []

    def attempt(self, name: str, check: Callable[[Subject], None], subject: Subject) -> bool:
        """Run one check; says whether it passed."""
        self._emit({"check": name})
        began, printed = time.perf_counter(), io.StringIO()
        try:
            with redirect_stdout(printed), redirect_stderr(printed):
                check(subject)
            self._check_intact()
            passed = True
        except BaseException as error:  # generated code may raise anything
            if is_out_of_memory(error):
                raise
            self.issues.append(as_issue(name, error, self._code, printed.getvalue()))
            passed = False
        seconds = time.perf_counter() - began
        self.results.append(CheckResult(check=name, passed=passed, seconds=seconds))
        return passed
