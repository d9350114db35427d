"""The figure of a population's progress over its generations (fig. 12)."""

from __future__ import annotations

import pyarrow as pa

from genesys.cli.report.chart import Figure, axis, layout, rounded
from genesys.cli.report.plots import NO_BOX
from genesys.population.metrics.progress import progress


def generations(found: pa.Table) -> Figure | None:
    """Mean fitness over generations, with a band from the least to the most.

    None for fewer than three generations: they are no progress that one could speak of.

    Args:
        found: By the schema ``GENERATIONS``.
    """
    if progress(found["mean"].to_pylist()) is None:
        return None
    x = found["first"].to_pylist()
    hidden = {"line": {"width": 0}, "hoverinfo": "skip"}
    least = _line("least", x, found["least"].to_pylist()) | hidden | {"showlegend": False}
    most = _line("least to most", x, found["most"].to_pylist()) | hidden
    most |= {"fill": "tonexty", "fillcolor": "var(--rule)"}
    mean = _line("mean", x, found["mean"].to_pylist())
    mean |= {"line": {"width": 2.2, "color": "var(--accent)"}}
    mean["hovertemplate"] = "from design %{x} on: mean %{y:.3f}" + NO_BOX
    figure = layout(420, axis("first design of the generation"), axis("fitness"))
    return {"data": [least, most, mean], "layout": figure}


def _line(name: str, x: list[int], y: list[float]) -> Figure:
    return {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": rounded(y)}
