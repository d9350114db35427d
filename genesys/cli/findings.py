"""A check report as a person reads it: the checks with their times, then what they found."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from genesys.cli.text import duration, plain
from genesys.records import CheckReport, Design, Issue, Repair, Severity
from genesys.text import clean, one_line

_COLORS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}
_DIFF = {"+": "green", "-": "red", "@": "cyan"}


def findings(
    report: CheckReport,
    design: Design | None = None,
    where: Callable[[Issue], str] = lambda issue: issue.place,
) -> RenderableType:
    """The report.

    Args:
        report: Of the checkers.
        design: As repaired; with it the lines at fault are quoted.
        where: Names the place of an issue.
    """
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", style="dim")
    for result in report.results:
        mark, color = ("✔", "green") if result.passed else ("✘", "red")
        name = Text.assemble((mark, color), " ", one_line(result.check, 40))
        table.add_row(name, duration(result.seconds))
    repairs = [_repair(repair) for repair in report.repairs]
    issues = [
        _issue(issue, where(issue), issue.source(design) if design else "")
        for issue in report.issues
    ]
    return Group(table, *repairs, *issues, Text(), _verdict(report))


def _issue(issue: Issue, where: str, source: str) -> RenderableType:
    color = _COLORS[issue.severity]
    # Not wrapped: a place that is torn apart cannot be jumped to.
    head = Text(no_wrap=True, overflow="ignore").append(issue.severity.value, f"bold {color}")
    head.append(f" {one_line(issue.check, 40)}", "bold").append(f"  {one_line(where, 500)}", "cyan")
    if issue.kind not in (None, issue.check):
        head.append(f"  {issue.kind.replace('_', ' ')}", "dim")
    parts: list[RenderableType] = [Text(), head]
    if source.strip():
        parts.append(_indented(Text(f"{issue.line} │ {one_line(source, 200)}", "blue")))
    parts.append(_indented(plain(issue.message.strip())))
    if issue.hint.strip():
        parts.append(_indented(Text.assemble(("hint ", "dim"), clean(issue.hint.strip()))))
    if issue.output.strip():
        parts.append(_indented(plain(issue.output.rstrip("\n"), "dim"), 4))
    return Group(*parts)


def _repair(repair: Repair) -> RenderableType:
    head = Text.assemble(("repair", "bold green"), "  ", (repair.unit, "cyan"))
    reason = _indented(plain(repair.reason.strip()))
    lines = clean(repair.diff.strip("\n")).split("\n")
    diff = Text("\n").join(Text(line, _DIFF.get(line[:1], "dim")) for line in lines)
    return Group(Text(), head, reason, _indented(diff, 4))


def _indented(text: Text, by: int = 2) -> Padding:
    return Padding(text, (0, 0, 0, by))


def _verdict(report: CheckReport) -> Text:
    if not report.checked:
        return Text("Could not be checked.", "bold yellow")
    seconds = duration(sum(result.seconds for result in report.results))
    if report.valid:
        return Text(f"Valid. {len(report.results)} checks in {seconds}.", "bold green")
    errors = sum(issue.severity is Severity.ERROR for issue in report.issues)
    return Text(f"Invalid: {errors} {'error' if errors == 1 else 'errors'}.", "bold red")
