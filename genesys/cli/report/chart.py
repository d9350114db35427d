"""What all figures of the report share.

Figures are plotly specifications. Their colours are names of the page's CSS variables,
``var(--x)``; the page puts in the values of its light or dark theme before it draws.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from genesys.records import Operator

Figure = dict[str, Any]
SYMBOLS = {
    Operator.SEED: "diamond",
    Operator.MUTATION: "circle",
    Operator.CROSSOVER: "square",
    Operator.SCRATCH: "triangle-up",
}


def layout(height: float, xaxis: Figure, yaxis: Figure) -> Figure:
    """A layout without a frame that takes over the page's colours."""
    return {
        "height": height,
        "margin": {"l": 56, "r": 16, "t": 12, "b": 48},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "inherit", "size": 13, "color": "var(--ink)"},
        "xaxis": xaxis,
        "yaxis": yaxis,
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": "var(--raised)",
            "font": {"color": "var(--ink)"},
            "align": "left",
        },
        "legend": {
            "orientation": "h",
            "y": 1.02,
            "yanchor": "bottom",
            "x": 0,
            "font": {"size": 12},
        },
    }


def axis(title: str) -> Figure:
    """An axis with its title."""
    return {
        "title": {"text": title, "standoff": 14, "font": {"size": 12, "color": "var(--soft)"}},
        "gridcolor": "var(--rule)",
        "linecolor": "var(--rule)",
        "zeroline": False,
        "automargin": True,
        "tickfont": {"color": "var(--soft)"},
    }


def color(operator: Operator) -> str:
    """The colour that stands for an operator all over the page."""
    return f"var(--{operator.value})"


def rounded(values: Iterable[float]) -> list[float]:
    """To five digits: more cannot be seen and would only make the file large."""
    return [float(f"{value:.5g}") for value in values]
