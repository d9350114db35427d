"""The citation graph as a drawing for print and slides."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from genesys_knowledge.library.picture import PALE, Dot, dots, legend

WIDTH, HEIGHT, MARGIN, LEGEND, LINE = 1400, 900, 50, 200, 18
INK = "#222222"
Place = tuple[float, float]


def as_svg(graph: Any) -> str:
    """The drawing as SVG."""
    shown = dots(graph)
    at = _places(shown)
    box = f"0 0 {WIDTH} {HEIGHT}"
    look = {"font-family": "sans-serif", "font-size": "11"}
    svg = Element("svg", look, xmlns="http://www.w3.org/2000/svg", viewBox=box)
    SubElement(svg, "rect", width="100%", height="100%", fill="white")
    for citing, cited in graph.edges:
        _line(svg, at[citing], at[cited])
    for key, dot in shown.items():
        _circle(svg, at[key], dot.size / 2, dot.colour, f"{key}: {graph.nodes[key]['title']}")
        if dot.labelled:
            _text(svg, (at[key][0], at[key][1] - dot.size / 2 - 2), key, "middle")
    for year in sorted({year for _, year in graph.nodes(data="year")}):
        x = min(at[key][0] for key, other in graph.nodes(data="year") if other == year)
        _text(svg, (x, HEIGHT - LINE), str(year), "middle")
    for number, (tag, colour) in enumerate(legend(shown)):
        x, y = WIDTH - LEGEND, MARGIN + LINE * number
        _circle(svg, (x, y), 5, colour, tag)
        _text(svg, (x + 12, y + 4), tag, "start")
    return tostring(svg, encoding="unicode") + "\n"


def _places(shown: dict[str, Dot]) -> dict[str, Place]:
    """Where the works stand in the drawing."""
    first = min(dot.x for dot in shown.values())
    years = max(dot.x for dot in shown.values()) - first or 1
    width, height = WIDTH - LEGEND - 2 * MARGIN, HEIGHT - 2 * MARGIN
    return {
        key: (MARGIN + (dot.x - first) / years * width, MARGIN + (1 - dot.y) * height)
        for key, dot in shown.items()
    }


def _line(svg: Element, start: Place, end: Place) -> None:
    place = {"x1": start[0], "y1": start[1], "x2": end[0], "y2": end[1]}
    rounded = {name: f"{value:.1f}" for name, value in place.items()}
    SubElement(svg, "line", rounded | {"stroke": PALE, "stroke-width": "0.5"})


def _circle(svg: Element, at: Place, radius: float, fill: str, title: str) -> None:
    place = {"cx": f"{at[0]:.1f}", "cy": f"{at[1]:.1f}", "r": f"{radius:.1f}", "fill": fill}
    SubElement(SubElement(svg, "circle", place), "title").text = title


def _text(svg: Element, at: Place, text: str, anchor: str) -> None:
    place = {"x": f"{at[0]:.1f}", "y": f"{at[1]:.1f}", "fill": INK, "text-anchor": anchor}
    SubElement(svg, "text", place).text = text
