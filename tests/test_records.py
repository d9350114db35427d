"""What the records say of themselves beyond their fields."""

from __future__ import annotations

import pytest

from genesys.errors import TreeError, UnitError
from genesys.records import CheckReport, Design, ErrorKind, Issue, Repair, Severity, Unit

DESIGN = Design(
    name="d",
    root="A",
    units=[Unit(name="A", code="1"), Unit(name="B", code="2")],
    structural_hash="h",
)


def repair(unit: str, code: str) -> Repair:
    return Repair(unit=unit, code=code, diff="", reason="")


def test_kinds_are_of_format_or_of_function() -> None:
    assert ErrorKind.SYNTAX.of_format
    assert ErrorKind.SLOW_LOOP.of_format
    assert not ErrorKind.LOADING.of_format
    assert not ErrorKind.CRASH.of_format


def test_an_issue_names_its_place() -> None:
    issue = Issue(check="forward", unit="MHA", line=3, message="fails")
    assert (issue.file, issue.place) == ("units/MHA.py", "MHA:3")
    assert issue.summary == "forward in MHA:3: fails"
    whole = Issue(check="forward", message="fails")
    assert (whole.file, whole.place, whole.summary) == ("", "", "forward: fails")


def test_an_issue_of_an_error() -> None:
    issue = Issue.of(UnitError("A", "wrong", 3), kind=ErrorKind.SYNTAX)
    assert (issue.unit, issue.line, issue.kind) == ("A", 3, ErrorKind.SYNTAX)
    assert Issue.of(UnitError("A", "wrong", 3)).kind is ErrorKind.TEMPLATE
    tree = Issue.of(TreeError("a circle"))
    assert (tree.kind, tree.message) == (ErrorKind.TREE, "a circle")


def test_a_report_is_summed_up_by_its_first_error() -> None:
    warning = Issue(check="w", severity=Severity.WARNING, message="hm")
    error = Issue(check="e", message="no")
    assert CheckReport(issues=[warning, error]).summary == "e: no"
    assert CheckReport(issues=[warning]).summary == "w: hm"
    assert CheckReport(checked=False).summary == "no reason was given"


def test_repairs_are_made_in_order() -> None:
    report = CheckReport(repairs=[repair("B", "3"), repair("B", "4")])
    repaired = report.repaired(DESIGN)
    assert [unit.code for unit in repaired.units] == ["1", "4"]
    assert repaired.structural_hash == ""
    assert CheckReport().repaired(DESIGN) is DESIGN


def test_repairs_are_of_units_that_are_there() -> None:
    with pytest.raises(ValueError, match="names 'C', which is no unit"):
        CheckReport(repairs=[repair("C", "3")]).repaired(DESIGN)
