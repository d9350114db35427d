"""The citation graph as a picture: years from left to right, kin near to kin."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from html import escape
from math import sqrt
from statistics import fmean
from typing import Any

# Eight colours that colour-blind people tell apart (Okabe and Ito 2008), grey for the rest.
COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f3c8d", "#b59f00",
)  # fmt: skip
GREY, PALE = "#999999", "#d0d0d0"
LABELS = 40  # works that are labelled, those that are cited most
SPREAD, COLUMN = 0.8, 30  # a year's works fill so much of its width, in columns of so many


@dataclass(frozen=True)
class Dot:
    """A work in a picture: its place, its diameter, its first tag and that tag's colour."""

    key: str
    x: float
    y: float
    size: float
    tag: str
    colour: str
    labelled: bool


def dots(graph: Any) -> dict[str, Dot]:
    """The works by key: x is the year and a bit, y lies in 0..1."""
    cited = dict(graph.in_degree())
    first = {key: tags.split(", ")[0] for key, tags in graph.nodes(data="tags")}
    common = [tag for tag, _ in Counter(sorted(first.values())).most_common(len(COLOURS))]
    colours = dict(zip(common, COLOURS, strict=False))
    labelled = sorted(cited, key=lambda key: (-cited[key], key))[:LABELS]
    return {
        key: Dot(
            key=key,
            x=x,
            y=y,
            size=6 + 3 * sqrt(cited[key]),
            tag=first[key] if first[key] in colours else "other",
            colour=colours.get(first[key], GREY),
            labelled=key in labelled,
        )
        for key, (x, y) in _places(graph).items()
    }


def _places(graph: Any) -> dict[str, tuple[float, float]]:
    """The works of a year lie above each other, each as near to those that it cites as can be."""
    years: dict[int, list[str]] = {}
    for key, year in graph.nodes(data="year"):
        years.setdefault(year, []).append(key)
    places: dict[str, tuple[float, float]] = {}
    for year, keys in sorted(years.items()):
        near = {
            key: fmean([places[c][1] for c in graph[key] if c in places] or [0.5]) for key in keys
        }
        columns = 1 + len(keys) // COLUMN
        for rank, key in enumerate(sorted(keys, key=lambda key: (near[key], key))):
            x = year + SPREAD * (rank % columns) / columns
            places[key] = x, (rank + 0.5) / len(keys)
    return places


def as_html(graph: Any) -> str:
    """A page that needs nothing else, to zoom and to point at."""
    import plotly.io

    shown = dots(graph)
    layout = {
        "template": "plotly_white",
        "title": {"text": f"{len(graph)} works, {graph.number_of_edges()} citations"},
        "xaxis": {"title": {"text": "year"}, "dtick": 1, "showgrid": False},
        "yaxis": {"visible": False},
        "hovermode": "closest",
        "legend": {"title": {"text": "first tag"}},
    }
    data = [_edges(graph, shown), *_groups(graph, shown)]
    page = plotly.io.to_html({"data": data, "layout": layout}, include_plotlyjs=True)
    return str(page)


def _edges(graph: Any, shown: dict[str, Dot]) -> dict[str, Any]:
    x: list[float | None] = []
    y: list[float | None] = []
    for ends in graph.edges:
        x += [*(shown[key].x for key in ends), None]
        y += [*(shown[key].y for key in ends), None]
    line = {"width": 0.4, "color": PALE}
    base = {"type": "scatter", "mode": "lines", "hoverinfo": "skip", "showlegend": False}
    return base | {"x": x, "y": y, "line": line}


def _groups(graph: Any, shown: dict[str, Dot]) -> list[dict[str, Any]]:
    return [
        {
            "type": "scatter",
            "mode": "markers+text",
            "name": tag,
            "x": [dot.x for dot in some],
            "y": [dot.y for dot in some],
            "text": [dot.key if dot.labelled else "" for dot in some],
            "textposition": "top center",
            "hovertext": [_hover(graph, dot.key) for dot in some],
            "hoverinfo": "text",
            "marker": {"size": [dot.size for dot in some], "color": colour},
        }
        for tag, colour in legend(shown)
        if (some := [dot for dot in shown.values() if dot.tag == tag])
    ]


def _hover(graph: Any, key: str) -> str:
    data = graph.nodes[key]
    cites, cited = graph.out_degree(key), graph.in_degree(key)
    about = f"{data['year']} · cites {cites}, cited by {cited} · {data['tags']}"
    return f"<b>{escape(key)}</b> {escape(data['title'])}<br>{escape(about)}"


def legend(shown: dict[str, Dot]) -> list[tuple[str, str]]:
    """The tags with their colours."""
    return sorted({(dot.tag, dot.colour) for dot in shown.values()})
