"""The figure of error classes: what the checkers rejected designs for (figs 44 and 45)."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from genesys.cli.report.chart import Figure, axis, layout
from genesys.population.metrics.errors import ALL

GROUPS = {"format": "var(--line-0)", "function": "var(--line-1)", "other": "var(--muted-line)"}
BAR, FRAME = 26, 110  # pixels of height


def error_kinds(errors: pa.Table) -> Figure | None:
    """A bar for each class; None when no checker has rejected anything.

    A design with several errors of one class counts once.

    Args:
        errors: By the schema ``ERRORS``.
    """
    counts = {group: _counts(errors, group) for group in GROUPS}
    names = [name for group in GROUPS for name in counts[group]]
    if not names:
        return None
    yaxis = axis("") | {"categoryorder": "array", "categoryarray": names, "autorange": "reversed"}
    xaxis = axis("rejected designs") | {"rangemode": "tozero", "tickformat": "d"}
    figure = layout(FRAME + BAR * len(names), xaxis, yaxis)
    return {"data": [_bars(g, counts[g]) for g in GROUPS if counts[g]], "layout": figure}


def _counts(errors: pa.Table, group: str) -> dict[str, int]:
    """How many rejected designs have errors of a class, the most frequent first."""
    rows = errors.filter(pc.equal(errors["group"], group)).to_pylist()
    return {row["error"]: row["count"] for row in rows if row["error"] != ALL}


def _bars(group: str, counts: dict[str, int]) -> Figure:
    return {
        "type": "bar",
        "orientation": "h",
        "name": group,
        "x": list(counts.values()),
        "y": list(counts),
        "marker": {"color": GROUPS[group]},
        "hovertemplate": "%{y}: %{x}<extra></extra>",
    }
