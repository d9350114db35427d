"""Every faulty unit is caught by the intended check, with its class, unit and line."""

from __future__ import annotations

import pytest

from genesys.records import ErrorKind, Severity

from .cases import OPEN, Case, parameters
from .conftest import Check

CASES = parameters("faulty")


@pytest.mark.parametrize("case", CASES)
def test_fault_is_caught(case: Case, check: Check) -> None:
    report = check(case.design, **case.settings)
    errors = [issue for issue in report.issues if issue.severity is Severity.ERROR]
    assert errors, f"passed although: {case.header['fault']}"
    assert [case.mistakes(issue) for issue in errors] == [[] for _ in errors], errors
    assert not report.valid
    assert all(issue.hint for issue in errors), errors


@pytest.mark.parametrize("case", CASES)
def test_case_says_what_to_expect(case: Case) -> None:
    assert case.header.keys() >= {"fault", "check", "kind", "unit"}
    assert case.answers("kind") <= {kind.value for kind in ErrorKind}
    assert len(case.lines()) == (case.header.get("line") != OPEN)


def test_suite_is_large() -> None:
    assert len(CASES) >= 60
