"""A check report as a person reads it: the checks with their times, then what they found."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from genesys.cli.text import duration, plain
from genesys.records import CheckReport, Issue, Severity
from genesys.text import clean, one_line

_COLORS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def place(issue: Issue) -> str:
    """Where an issue lies, as ``Unit:line``; empty when it concerns the whole block."""
    return issue.unit if issue.line is None or not issue.unit else f"{issue.unit}:{issue.line}"


def findings(report: CheckReport, where: Callable[[Issue], str] = place) -> RenderableType:
    """The report, with ``where`` naming the place of each issue."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", style="dim")
    for result in report.results:
        mark, color = ("✔", "green") if result.passed else ("✘", "red")
        name = Text.assemble((mark, color), " ", one_line(result.check, 40))
        table.add_row(name, duration(result.seconds))
    issues = [_issue(issue, where(issue)) for issue in report.issues]
    return Group(table, *issues, Text(), _verdict(report))


def _issue(issue: Issue, where: str) -> RenderableType:
    color = _COLORS[issue.severity]
    head = Text.assemble((issue.severity.value, f"bold {color}"), " ")
    head.append(one_line(issue.check, 40), "bold").append(f"  {one_line(where, 200)}", "cyan")
    parts: list[RenderableType] = [Text(), head, _indented(plain(issue.message.strip()))]
    if issue.hint.strip():
        parts.append(_indented(Text.assemble(("hint ", "dim"), clean(issue.hint.strip()))))
    if issue.output.strip():
        parts.append(_indented(plain(issue.output.rstrip("\n"), "dim"), 4))
    return Group(*parts)


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
