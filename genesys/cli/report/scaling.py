"""The figure of the scaling fit: loss against compute, and what is foretold."""

from __future__ import annotations

from genesys.cli.report.chart import Figure, axis, layout, rounded
from genesys.cli.report.plots import CURVES, NO_BOX, look
from genesys.population.population import Population
from genesys.population.scaling import ScalingFit
from genesys.records import Forecast


def scaling(population: Population, fit: ScalingFit) -> Figure | None:
    """Bits per byte over compute on logarithmic axes; None where there are fewer than two scales.

    The designs with the least loss at the last scale, measured or foretold, and the best of the
    seeds stand out from the others.
    """
    if len(fit.scales) < 2:
        return None
    found = [fit.forecast(design.name) for design in population.designs]
    found = sorted((f for f in found if fit.rungs(f.design)), key=lambda f: _order(fit, f))
    seeds = {design.name for design in population.seeds}
    best_seed = next((f.design for f in found if f.design in seeds), "")
    data: list[Figure] = []
    for place, forecast in enumerate(found):
        if place < CURVES or forecast.design == best_seed:
            data[:0] = _traces(fit, forecast, look(place, forecast.design == best_seed))
    data.sort(key=lambda line: line["legendgroup"] != "others")  # grey below colour
    if grey := [line for line in data if line["legendgroup"] == "others"]:
        grey[-1]["showlegend"] = True
    xaxis = axis("floating-point operations of training") | {
        "type": "log",
        "dtick": "D2",
        "tickformat": ".0e",
    }
    yaxis = axis("bits per byte of held-out text") | {"type": "log"}
    figure = layout(460, xaxis, yaxis)
    figure["legend"]["traceorder"] = "reversed"
    return {"data": data, "layout": figure}


def _order(fit: ScalingFit, forecast: Forecast) -> tuple[int, float]:
    """Designs that are verified or foretold at the last scale come first, by their loss."""
    *_, last = fit.rungs(forecast.design)
    if forecast.value is None:
        return -fit.scales.index(last), fit.point(forecast.design, last)[1]
    return -fit.scales.index(forecast.scale), forecast.value


def _traces(fit: ScalingFit, forecast: Forecast, look: Figure) -> list[Figure]:
    """A design's line through its rungs and, dotted, to what is foretold."""
    name = forecast.design
    points = [fit.point(name, scale) for scale in fit.rungs(name)]
    measured = _line(name, points) | look
    measured["marker"] = {"size": 7, "color": look["line"]["color"]}
    if forecast.compute is None or forecast.value is None:
        return [measured]
    end = (forecast.compute, forecast.value)
    foretold = _line(name, [points[-1], end], "foretold: ") | look | {"showlegend": False}
    foretold["line"] = look["line"] | {"dash": "dot"}
    foretold["marker"] = {
        "size": [0, 9],
        "symbol": "circle-open",
        "color": look["line"]["color"],
    }
    if "legendgroup" not in look:  # bars of grey lines would cover each other
        foretold["error_y"] = {
            "type": "data",
            "array": rounded([0.0, forecast.error or 0.0]),
            "thickness": 1.2,
            "width": 4,
            "color": look["line"]["color"],
        }
    return [foretold, measured]


def _line(name: str, points: list[tuple[float, float]], told: str = "") -> Figure:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "legendgroup": name,
        "customdata": [name] * len(points),
        "x": rounded(x for x, _ in points),
        "y": rounded(y for _, y in points),
        "hovertemplate": f"<b>{name}</b><br>{told}%{{y:.3f}} bits per byte" + NO_BOX,
    }
