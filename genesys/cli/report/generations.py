"""The figure of a population's progress over its generations (fig. 12)."""

from __future__ import annotations

from statistics import fmean

from genesys.cli.report.chart import Figure, axis, layout, rounded
from genesys.cli.report.plots import NO_BOX
from genesys.population.metrics.of_run import of_run
from genesys.population.metrics.progress import STEP, progress, windows
from genesys.population.population import Population


def generations(population: Population) -> Figure | None:
    """Mean fitness over generations, with a band from the least to the most.

    None for fewer than three generations: they are no progress that one could speak of.
    """
    found = windows(of_run(population).designs)
    if progress([fmean(window) for window in found]) is None:
        return None
    x = [STEP * place for place in range(len(found))]
    hidden = {"line": {"width": 0}, "hoverinfo": "skip"}
    least = _line("least", x, [min(window) for window in found]) | hidden | {"showlegend": False}
    most = _line("least to most", x, [max(window) for window in found]) | hidden
    most |= {"fill": "tonexty", "fillcolor": "var(--rule)"}
    mean = _line("mean", x, [fmean(window) for window in found])
    mean |= {"line": {"width": 2.2, "color": "var(--accent)"}}
    mean["hovertemplate"] = "from design %{x} on: mean %{y:.3f}" + NO_BOX
    figure = layout(420, axis("first design of the generation"), axis("fitness"))
    return {"data": [least, most, mean], "layout": figure}


def _line(name: str, x: list[int], y: list[float]) -> Figure:
    return {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": rounded(y)}
