"""The page of a comparison of runs: table 2 and figure 12."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, pstdev, stdev

from genesys.cli.report.chart import Figure, axis, layout, rounded
from genesys.cli.report.html import page
from genesys.cli.report.plots import NO_BOX
from genesys.errors import GenesysError
from genesys.files import write_text
from genesys.population.comparison import Comparison, Group

# Red, green and blue of a group's line; they can be read on a light page and on a dark one.
COLORS = (
    *("76,120,220", "224,108,47", "32,155,120", "190,75,200", "190,140,20"),
    *("40,150,180", "220,70,100", "115,160,40", "140,100,230", "130,140,155"),
)
WIDE, NARROW = 0.1, 0.22  # how opaque the bands from least to most, and of the deviation, are


@dataclass(frozen=True)
class Band:
    """What a group's generation looks like: its mean, one deviation around it, and its ends."""

    mean: float
    deviation: float
    least: float
    most: float


def write_comparison(
    found: Comparison, columns: Sequence[str], rows: Sequence[Sequence[str]], path: Path
) -> None:
    """Write the page; an existing file is replaced in one step.

    Args:
        found: The groups.
        columns: Heads of the table.
        rows: Of the table, as text.
        path: The HTML file.

    Raises:
        GenesysError: The file cannot be written.
    """
    figures = {"runs-figure": _figure(found, runs_bands), "designs-figure": _figure(found, bands)}
    html = page(
        "comparison.html.j2",
        figures if found.groups else {},
        title=path.parent.absolute().name,
        found=found,
        columns=columns,
        rows=rows,
    )
    try:
        write_text(path, html)
    except OSError as error:
        raise GenesysError(f"The page cannot be written to {path}: {error}") from None


def runs_bands(group: Group) -> list[Band]:
    """Of the means of the group's runs, one for each generation that all of them have."""
    found = []
    for place in range(group.generations):
        means = [run.progress.generations[place] for run in group.runs]
        deviation = stdev(means) if len(means) > 1 else 0.0
        found.append(Band(fmean(means), deviation, min(means), max(means)))
    return found


def bands(group: Group) -> list[Band]:
    """Of the designs of all the group's runs, at half their width as in figure 12."""
    found = []
    for place in range(group.generations):
        designs = [value for run in group.runs for value in run.windows[place]]
        mean = fmean(designs)
        ends = (mean + (end - mean) / 2 for end in (min(designs), max(designs)))
        found.append(Band(mean, pstdev(designs) / 2, *ends))
    return found


def _figure(found: Comparison, of: Callable[[Group], list[Band]]) -> Figure:
    data = [
        trace
        for place, group in enumerate(found.groups)
        for trace in _traces(group.label, of(group), found.step, COLORS[place % len(COLORS)])
    ]
    figure = layout(460, axis("first design of the generation"), axis("fitness"))
    return {"data": data, "layout": figure}


def _traces(label: str, found: Sequence[Band], step: int, color: str) -> list[Figure]:
    x = [step * place for place in range(len(found))]
    line = _line(label, x, [band.mean for band in found])
    line |= {"name": label, "line": {"width": 2.2, "color": f"rgb({color})"}}
    line["hovertemplate"] = "%{fullData.name}, from design %{x} on: %{y:.3f}" + NO_BOX
    wide = ([band.least for band in found], [band.most for band in found], WIDE)
    narrow = (
        [band.mean - band.deviation for band in found],
        [band.mean + band.deviation for band in found],
        NARROW,
    )
    areas: list[Figure] = []
    for low, high, opacity in (wide, narrow):
        hidden = {"line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
        fill = {"fill": "tonexty", "fillcolor": f"rgba({color},{opacity})"}
        areas += [_line(label, x, low) | hidden, _line(label, x, high) | hidden | fill]
    return [*areas, line]


def _line(label: str, x: Sequence[int], y: Sequence[float]) -> Figure:
    shown = {"type": "scatter", "mode": "lines", "legendgroup": label}
    return {**shown, "x": list(x), "y": rounded(y)}
