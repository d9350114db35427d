"""The figure of the tree of descent."""

from __future__ import annotations

from collections.abc import Sequence

from genesys.cli.leaderboard import descent
from genesys.cli.ranking import Ranking, Row
from genesys.cli.report.chart import SYMBOLS, Figure, color, layout
from genesys.cli.report.layout import Point, positions
from genesys.population.population import Population
from genesys.records import Design, Operator, Outcome
from genesys.text import clean

COLUMN, ROW = 190, 40  # pixels
_STEPS = [i / 12 for i in range(13)]


def descent_tree(population: Population, rankings: Sequence[Ranking]) -> Figure:
    """Designs and parent edges; marker size by accuracy at the first scale."""
    places = positions(population)
    rows = {row.design: row for ranking in rankings[:1] for row in ranking.rows}
    made = [d for d in population.designs if d.operator in (Operator.MUTATION, Operator.CROSSOVER)]
    data = [_edges(op, made, places) for op in (Operator.MUTATION, Operator.CROSSOVER)]
    for operator in Operator:
        group = [d for d in population.designs if d.operator is operator]
        if group:
            data.append(_nodes(operator, group, population, places, rows))
    rows_used = max((y for _, y in places.values()), default=0)
    last = max((x for x, _ in places.values()), default=0)
    hidden = {"visible": False, "fixedrange": True}
    xaxis = hidden | {"range": [-0.35, last + 0.9]}
    yaxis = hidden | {"range": [rows_used + 0.6, -0.8]}
    figure = layout(90 + ROW * (rows_used + 1), xaxis, yaxis)
    figure["margin"] = {"l": 0, "r": 0, "t": 40, "b": 8}
    return {"data": data, "layout": figure, "width": COLUMN * (last + 1.25)}


def _edges(operator: Operator, made: Sequence[Design], places: dict[str, Point]) -> Figure:
    x: list[float | None] = []
    y: list[float | None] = []
    for design in made:
        for parent in design.parents:
            if design.operator is operator and parent in places:
                (x0, y0), (x1, y1) = places[parent], places[design.name]
                # A smooth step, so that an edge leaves and arrives level.
                x += [*(x0 + (x1 - x0) * t for t in _STEPS), None]
                y += [*(y0 + (y1 - y0) * t * t * (3 - 2 * t) for t in _STEPS), None]
    dash = "dot" if operator is Operator.CROSSOVER else "solid"
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "line": {"color": color(operator), "width": 1.4, "dash": dash},
        "opacity": 0.6,
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _nodes(
    operator: Operator,
    group: Sequence[Design],
    population: Population,
    places: dict[str, Point],
    rows: dict[str, Row],
) -> Figure:
    known = [row.accuracy for row in rows.values() if row.accuracy is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    parents = {name for design in population.designs for name in design.parents}
    sizes, symbols, texts = [], [], []
    for design in group:
        row = rows.get(design.name)
        value = row.accuracy if row and row.accuracy is not None else None
        sizes.append(10 if value is None else 9 + 11 * (value - low) / ((high - low) or 1))
        failed = population.is_erroneous(design.name)
        hollow = "" if population.confidence(design.name) else "-open"
        symbols.append("x" if failed else SYMBOLS[operator] + hollow)
        texts.append(_hover(population, design))
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": operator.value,
        "x": [places[d.name][0] for d in group],
        "y": [places[d.name][1] for d in group],
        "text": [_cut(d.name) if d.name in parents else f"\u2002{_cut(d.name)}" for d in group],
        "textposition": ["top center" if d.name in parents else "middle right" for d in group],
        "textfont": {"size": 12, "color": "var(--ink)"},
        "customdata": [d.name for d in group],
        "hovertext": texts,
        "hoverinfo": "text",
        "cliponaxis": False,
        "marker": {
            "symbol": symbols,
            "size": [round(size, 1) for size in sizes],
            "color": color(operator),
            "opacity": 1,
            "line": {"width": 1.5, "color": color(operator)},
        },
    }


def _hover(population: Population, design: Design) -> str:
    lines = [f"<b>{design.name}</b>", descent(design.operator, design.parents)]
    for report in population.reports_of(design.name):
        if report.outcome is not Outcome.OK:
            lines.append(f"{_plain(report.scale)}: {report.outcome.value.replace('_', ' ')}")
        elif report.fitness is not None:
            lines.append(f"{_plain(report.scale)}: accuracy {report.fitness:.3f}")
    return "<br>".join(lines)


def _cut(name: str, limit: int = 24) -> str:
    return name if len(name) <= limit else name[: limit - 1] + "…"


def _plain(text: str) -> str:
    """Without what plotly would take for markup."""
    return clean(text).replace("<", "‹").replace("&", "+")
