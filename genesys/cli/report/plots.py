"""The figures of fitness and training curves, for one scale each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from statistics import fmean

from genesys.cli.ranking import Ranking, Row
from genesys.cli.report.chart import SYMBOLS, Figure, axis, color, layout, rounded
from genesys.cli.report.excerpt import thinned
from genesys.population.population import Population
from genesys.records import CurvePoint, Operator

NO_BOX = "<extra></extra>"  # plotly's way to leave out the trace's name beside a hover label
CURVES, CURVE_POINTS = 60, 120  # at most, so that the file stays small
HIGHLIGHTS = 4


def fitness(population: Population, ranking: Ranking) -> Figure:
    """Accuracy over the order of creation, with the running best and the baselines."""
    index = {design.name: design.index for design in population.designs}
    rows = sorted(
        (r for r in ranking.rows if r.accuracy is not None), key=lambda r: index[r.design]
    )
    x = [index[row.design] for row in rows]
    best = list(accumulate((row.accuracy or 0.0 for row in rows), max))
    running = {
        "type": "scatter",
        "mode": "lines",
        "name": "best so far",
        "x": x,
        "y": rounded(best),
        "line": {"shape": "hv", "width": 2, "color": "var(--accent)"},
        "hoverinfo": "skip",
    }
    marked = {row.design for row in thinned(ranking.rows)}
    rows = [row for row in rows if row.design in marked]
    groups = [(op, [row for row in rows if row.operator is op]) for op in Operator]
    data = [running, *(_points(op, group, index) for op, group in groups if group)]
    seed = ranking.best_seed
    levels = [
        ("best seed", seed.accuracy if seed else None, "dash"),
        ("untrained", ranking.untrained.accuracy, "dot"),
    ]
    ends = [min(x, default=0) - 0.6, max(x, default=0) + 0.6]
    data += [_level(name, y, dash, ends) for name, y, dash in levels if y is not None]
    xaxis = axis("design, in order of creation") | {"range": ends}
    return {"data": data, "layout": layout(420, xaxis, axis("accuracy") | {"tickformat": ".0%"})}


def curves(population: Population, ranking: Ranking) -> Figure:
    """Training loss over tokens: the best designs and the best seed in colour, others in grey."""
    data: list[Figure] = []
    losses: list[float] = []
    seed = ranking.best_seed
    for place, row in enumerate(ranking.rows):
        if place >= CURVES and row is not seed:
            continue
        reports = [r for r in population.reports_of(row.design) if r.scale == ranking.scale]
        points = _thinned(next((r.curve for r in reversed(reports) if r.curve), []))
        losses += [p.loss for p in points[len(points) // 12 :]]
        data.insert(0, _curve(row, points) | look(place, row is seed))
    data.sort(key=lambda line: line["legendgroup"] != "others")  # grey below colour
    if grey := [line for line in data if line["legendgroup"] == "others"]:
        grey[-1]["showlegend"] = True
    yaxis = axis("training loss (nats per token)")
    if losses:
        # The first steps fall from the loss of guessing; they would flatten everything else.
        margin = 0.05 * (max(losses) - min(losses)) or 0.1
        yaxis["range"] = rounded([min(losses) - margin, max(losses) + margin])
    figure = layout(460, axis("tokens"), yaxis)
    figure["legend"]["traceorder"] = "reversed"
    return {"data": data, "layout": figure}


def _curve(row: Row, points: Sequence[CurvePoint]) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": row.design,
        "legendgroup": row.design,
        "x": [point.tokens for point in points],
        "y": rounded(point.loss for point in points),
        "hovertemplate": f"<b>{row.design}</b><br>%{{x:.3s}} tokens, loss %{{y:.3f}}" + NO_BOX,
    }


def look(place: int, is_best_seed: bool) -> Figure:
    """How a design's line looks: the best ones and the best seed in colour, others in grey."""
    if is_best_seed:
        return {"line": {"width": 2.2, "color": color(Operator.SEED), "dash": "dash"}}
    if place < HIGHLIGHTS:
        return {"line": {"width": 2.2, "color": f"var(--line-{place})"}}
    line = {"width": 1.2, "color": "var(--muted-line)"}
    return {"line": line, "name": "others", "legendgroup": "others", "showlegend": False}


def _points(operator: Operator, rows: Sequence[Row], index: dict[str, int]) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": operator.value,
        "x": [index[row.design] for row in rows],
        "y": rounded(row.accuracy or 0.0 for row in rows),
        "error_y": {
            "type": "data",
            "array": rounded(row.stderr or 0.0 for row in rows),
            "thickness": 1,
            "width": 0,
            "color": color(operator),
        },
        "customdata": [row.design for row in rows],
        "marker": {"size": 11, "symbol": SYMBOLS[operator], "color": color(operator)},
        "hovertemplate": "<b>%{customdata}</b><br>accuracy %{y:.3f}" + NO_BOX,
    }


def _level(name: str, y: float, dash: str, ends: list[float]) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": ends,
        "y": [y, y],
        "line": {"dash": dash, "width": 1.5, "color": "var(--faint)"},
        "hovertemplate": f"{name} %{{y:.3f}}" + NO_BOX,
    }


def _thinned(points: Sequence[CurvePoint]) -> list[CurvePoint]:
    """At most ``CURVE_POINTS`` points, each the mean loss of its stretch."""
    size = -(-len(points) // CURVE_POINTS) or 1
    chunks = [points[i : i + size] for i in range(0, len(points), size)]
    return [c[-1].model_copy(update={"loss": fmean(p.loss for p in c)}) for c in chunks]
