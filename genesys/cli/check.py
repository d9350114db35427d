"""``genesys check``: is a design folder, a unit file or a composed block valid?"""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from rich.console import Console, Group
from rich.text import Text

from genesys.cli.findings import findings
from genesys.cli.source import Source
from genesys.errors import GenesysError, TreeError, UnitError
from genesys.feedback import feedback
from genesys.gau.tree import GAUTree
from genesys.records import CheckReport, CheckResult, Design, Issue
from genesys.text import one_line

VALID, INVALID, NOT_CHECKED = 0, 1, 2
Checker = Callable[[Design], CheckReport]


class Form(StrEnum):
    """How a report is printed."""

    PERSON = "person"
    LLM = "llm"
    JSON = "json"


def check(
    path: Path,
    checker: Checker,
    form: Form = Form.PERSON,
    repair: bool = False,
    console: Console | None = None,
) -> int:
    """Check what lies at ``path`` and print a report.

    Args:
        path: A design folder, a composed ``gab.py``, or a unit file; a unit is checked as the root
            of a block, with the files beside it for what it calls.
        checker: Runs the checkers of the configuration; may raise ``GenesysError``.
        form: How to print the report.
        repair: Make the repairs of the checkers in the files.
        console: Where to print; standard output when not given.

    Returns:
        The exit code: 0 valid, 1 invalid, 2 could not be checked.

    Raises:
        GenesysError: A file cannot be repaired.
    """
    console = console or Console()
    source, report = examine(path, checker)
    repaired = report.repaired(source.design) if source else None
    written = source.write(repaired) if source and repaired and repair else []
    if form is Form.JSON:
        # ASCII only: what a design put into a message cannot reach the terminal as it is.
        console.out(json.dumps(report.model_dump(mode="json"), indent=2), highlight=False)
    elif form is Form.LLM:
        console.out(feedback(report, source.design if source else None), highlight=False)
    else:
        _print(console, path, source, report, written)
    if not report.checked:
        return NOT_CHECKED
    return VALID if report.valid else INVALID


def examine(path: Path, checker: Checker) -> tuple[Source | None, CheckReport]:
    """What lies at ``path``, if it can be read, and the report; never raises ``GenesysError``."""
    try:
        source = Source.read(path)
    except (UnitError, TreeError) as error:
        return None, _unreadable(error)
    except (GenesysError, OSError, UnicodeDecodeError) as error:
        return None, _unchecked("reading", error)
    try:
        report = checker(source.design)
    except GenesysError as error:
        return source, _unchecked("checker", error)
    if report.valid:
        try:
            GAUTree.of(report.repaired(source.design))
        except (UnitError, TreeError) as error:
            report = report.followed_by(_unreadable(error))
    return source, report


def _unreadable(error: UnitError | TreeError) -> CheckReport:
    result = CheckResult(check="parser", passed=False, seconds=0.0)
    return CheckReport(results=[result], issues=[Issue.of(error)])


def _unchecked(check: str, error: Exception) -> CheckReport:
    return CheckReport(checked=False, issues=[Issue(check=check, message=str(error))])


def _print(
    console: Console, path: Path, source: Source | None, report: CheckReport, written: list[Path]
) -> None:
    repairs = [] if written else report.repairs
    shown = findings(
        report,
        report.repaired(source.design) if source else None,
        lambda issue: source.where(issue, repairs) if source else issue.place or str(path),
    )
    notes = [Text(f"Repaired {one_line(str(file), 200)}", "green") for file in written]
    if repairs:
        notes = [Text("The repairs are not in the files yet; --repair makes them.", "yellow")]
    console.print(Group(Text(one_line(str(path), 200), "bold"), shown, *notes), crop=False)
