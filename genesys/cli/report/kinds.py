"""The figure of error classes: what the checkers rejected designs for (figs 44 and 45)."""

from __future__ import annotations

from collections import Counter

from genesys.cli.report.chart import Figure, axis, layout
from genesys.population.population import Population
from genesys.records import ErrorKind, Session, Severity

GROUPS = {"format": "var(--line-0)", "function": "var(--line-1)", "other": "var(--muted-line)"}
BAR, FRAME = 26, 110  # pixels of height


def rejections(population: Population) -> dict[str, Counter[str]]:
    """By group: how many rejected designs have errors of a class, the most frequent first.

    A design with several errors of one class counts once.
    """
    counts = {group: Counter[str]() for group in GROUPS}
    for session in population.sessions:
        for kind in _kinds(session):
            counts[_group(kind)][kind.replace("_", " ") if kind else "other"] += 1
    return counts


def error_kinds(population: Population) -> Figure | None:
    """A bar for each class; None when no checker has rejected anything."""
    counts = rejections(population)
    names = [name for group in GROUPS for name, _ in counts[group].most_common()]
    if not names:
        return None
    yaxis = axis("") | {"categoryorder": "array", "categoryarray": names, "autorange": "reversed"}
    xaxis = axis("rejected designs") | {"rangemode": "tozero", "tickformat": "d"}
    figure = layout(FRAME + BAR * len(names), xaxis, yaxis)
    return {"data": [_bars(g, counts[g]) for g in GROUPS if counts[g]], "layout": figure}


def _kinds(session: Session) -> set[ErrorKind | None]:
    return {issue.kind for issue in session.issues if issue.severity is Severity.ERROR}


def _group(kind: ErrorKind | None) -> str:
    if kind is None:
        return "other"
    return "format" if kind.of_format else "function"


def _bars(group: str, counts: Counter[str]) -> Figure:
    names, values = zip(*counts.most_common(), strict=True)
    return {
        "type": "bar",
        "orientation": "h",
        "name": group,
        "x": list(values),
        "y": list(names),
        "marker": {"color": GROUPS[group]},
        "hovertemplate": "%{y}: %{x}<extra></extra>",
    }
