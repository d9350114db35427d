"""Draws curves with error bars as SVG, without anything to install: y is logarithmic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 260, 210
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 26, 30
COLOURS = ("#0072b2", "#d55e00")
CSS = (
    "text{font:11px sans-serif;fill:#333} .axis{stroke:#999} .grid{stroke:#e4e4e4} "
    ".title{font-weight:bold} polyline{fill:none;stroke-width:1.5}"
)


@dataclass(frozen=True)
class Curve:
    """What a formula says, and what was measured: (x, y), and (x, y, standard error)."""

    label: str
    formula: Sequence[tuple[float, float]]
    measured: Sequence[tuple[float, float, float]]


@dataclass(frozen=True)
class Panel:
    """Curves in one frame."""

    title: str
    curves: Sequence[Curve]


def draw(rows: Sequence[Sequence[Panel]]) -> str:
    """An SVG of all panels. Panels of a row have one scale."""
    width, height = WIDTH * max(map(len, rows)), HEIGHT * len(rows) + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f'<style>{CSS}</style><rect width="{width}" height="{height}" fill="#fff"/>',
        *_legend(rows[0][0].curves, height - 8),
    ]
    for y, row in enumerate(rows):
        values = [v for panel in row for curve in panel.curves for _, v in curve.formula]
        decades = (floor(log10(min(values))), ceil(log10(max(values))))
        for x, panel in enumerate(row):
            parts.append(f'<g transform="translate({x * WIDTH},{y * HEIGHT})">')
            parts += _panel(panel, decades)
            parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, decades: tuple[int, int]) -> list[str]:
    xs = [x for x, _ in panel.curves[0].formula]

    def at(x: float, y: float) -> tuple[float, float]:
        low, high = decades
        across = (x - xs[0] + 0.5) / (xs[-1] - xs[0] + 1)
        up = (min(max(log10(y), low), high) - low) / (high - low)
        return (
            round(LEFT + across * (WIDTH - LEFT - RIGHT), 1),
            round(HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM), 1),
        )

    parts = [f'<text class="title" x="{LEFT}" y="16">{escape(panel.title)}</text>']
    for decade in range(decades[0], decades[1] + 1):
        y = at(xs[0], 10.0**decade)[1]
        parts.append(_line(LEFT, y, WIDTH - RIGHT, y, "grid"))
        parts.append(f'<text x="{LEFT - 4}" y="{y + 4}" text-anchor="end">{_short(decade)}</text>')
    base = HEIGHT - BOTTOM
    parts.append(_line(LEFT, base, WIDTH - RIGHT, base, "axis"))
    for x in xs:
        parts.append(f'<text x="{at(x, 1)[0]}" y="{base + 15}" text-anchor="middle">{x}</text>')
    for curve, colour in zip(panel.curves, COLOURS, strict=True):
        points = " ".join(f"{x},{y}" for x, y in (at(*point) for point in curve.formula))
        parts.append(f'<polyline points="{points}" stroke="{colour}"/>')
        for x, mean, error in curve.measured:
            (cx, cy), (_, top) = at(x, mean), at(x, mean + 2 * error)
            bottom = at(x, max(mean - 2 * error, mean / 10))[1]
            parts.append(f'<circle cx="{cx}" cy="{cy}" r="3" fill="{colour}"/>')
            parts.append(
                f'<line x1="{cx}" y1="{top}" x2="{cx}" y2="{bottom}" stroke="{colour}" '
                'stroke-width="1.5"/>'
            )
    return parts


def _legend(curves: Sequence[Curve], y: float) -> list[str]:
    parts = []
    for number, (curve, colour) in enumerate(zip(curves, COLOURS, strict=True)):
        x = LEFT + 90 * number
        parts.append(f'<circle cx="{x}" cy="{y - 4}" r="4" fill="{colour}"/>')
        parts.append(f'<text x="{x + 8}" y="{y}">{escape(curve.label)}</text>')
    told = "over the number of units; lines: formulas of app. A.1; dots: measured, ± 2 errors"
    parts.append(f'<text x="{LEFT + 90 * len(curves)}" y="{y}">{told}</text>')
    return parts


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'


def _short(decade: int) -> str:
    units = ("", "k", "M", "G")[decade // 3]
    return f"{10 ** (decade % 3)}{units}"
