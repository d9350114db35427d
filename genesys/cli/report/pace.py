"""The figure of workers over time: how busy they were, and their ratio (app. E.4.2)."""

from __future__ import annotations

import pyarrow as pa

from genesys.cli.report.chart import Figure, axis, layout, rounded

LINES = (
    ("designing", "designers' time at work", "var(--line-0)"),
    ("verifying", "verifiers' time at work", "var(--line-1)"),
)


def pace(found: pa.Table, best: float | None) -> Figure | None:
    """Shares of time at work, and verifiers for each designer beside the best ratio.

    None for a run without a ledger.

    Args:
        found: By the schema ``PACE``.
        best: Ratio at which neither waits (eq. 3); None if it is not known.
    """
    if not found.num_rows:
        return None
    x = rounded(found["to_hour"].to_pylist())
    data = [_line(name, x, _known(found, key), color) for key, name, color in LINES]
    ratio = _line("verifiers for each designer", x, _known(found, "ratio"), "var(--line-2)")
    data.append(ratio | {"yaxis": "y2"})
    if best is not None:
        level = _line("best ratio", [0.0, x[-1]], rounded([best, best]), "var(--line-2)", "dot")
        data.append(level | {"yaxis": "y2"})
    figure = layout(320, axis("hours"), axis("share of time") | {"rangemode": "tozero"})
    right = {"overlaying": "y", "side": "right", "rangemode": "tozero", "showgrid": False}
    figure["yaxis2"] = axis("verifiers for each designer") | right
    figure["margin"] = {"l": 56, "r": 64, "t": 12, "b": 48}
    return {"data": data, "layout": figure}


def _known(found: pa.Table, key: str) -> list[float | None]:
    return [None if value is None else rounded([value])[0] for value in found[key].to_pylist()]


def _line(
    name: str, x: list[float], y: list[float | None] | list[float], color: str, dash: str = "solid"
) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": x,
        "y": y,
        "line": {"color": color, "width": 2, "dash": dash},
        "hovertemplate": f"{name} %{{y:.2f}}<extra></extra>",
    }
