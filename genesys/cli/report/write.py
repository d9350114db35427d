"""Writes the report: one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genesys.cli.metrics import SIMULATED
from genesys.cli.ranking import Ranking, rank, scales_of
from genesys.cli.report.cards import cards
from genesys.cli.report.descent import descent_tree
from genesys.cli.report.generations import generations
from genesys.cli.report.html import page
from genesys.cli.report.kinds import error_kinds
from genesys.cli.report.metrics import folds
from genesys.cli.report.pace import pace
from genesys.cli.report.plots import curves, fitness
from genesys.cli.report.rejected import rejected
from genesys.cli.report.scaling import scaling
from genesys.cli.report.summary import headline, tiles
from genesys.errors import GenesysError
from genesys.files import write_text
from genesys.population.metrics.figures import Figures
from genesys.population.metrics.of_run import of_run
from genesys.population.metrics.tables import Tables
from genesys.population.population import Population
from genesys.population.scaling import ScalingFit


def write_report(
    population: Population,
    path: Path,
    title: str = "Discovery run",
    scales: Sequence[str] | None = None,
    tables: Tables | None = None,
) -> Path:
    """Write the report of a run; an existing file is replaced in one step.

    Args:
        population: Everything the run knows.
        path: The HTML file.
        title: Shown at the top.
        scales: Names of the scales, smallest first; those with reports when not given.
        tables: Of the run, with its calls and its ledger; without them what these tell is left
            out.

    Returns:
        ``path``.

    Raises:
        GenesysError: The file cannot be written.
    """
    scales = scales_of(population) if scales is None else scales
    html = render(population, title, scales, tables or of_run(population))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, html)
    except OSError as error:
        raise GenesysError(f"The report cannot be written to {path}: {error}") from None
    return path


def render(population: Population, title: str, scales: Sequence[str], tables: Tables) -> str:
    """The report as HTML."""
    rankings = [r for r in (rank(population, name) for name in scales) if r.rows or r.failures]
    fit = ScalingFit(population.reports)
    found = Figures.of(tables)
    usd = sum(tables.calls["usd"].to_pylist())
    return page(
        "page.html.j2",
        _figures(population, rankings, fit, found),
        title=title,
        headline=headline(population, rankings),
        tiles=tiles(population, rankings, usd),
        simulated=SIMULATED.format(tables.simulated, len(tables.verifications))
        if tables.simulated
        else "",
        folds=folds(found),
        rankings=rankings,
        cards=cards(population, rankings, fit),
        rejected=rejected(population),
    )


def _figures(
    population: Population, rankings: Sequence[Ranking], fit: ScalingFit, found: Figures
) -> dict[str, Any]:
    """Figures by the id of the element they are drawn in."""
    figures = {"descent-figure": descent_tree(population, rankings)} if population.designs else {}
    if kinds := error_kinds(found.errors):
        figures["kinds-figure"] = kinds
    if lines := generations(found.generations):
        figures["generations-figure"] = lines
    if lines := pace(found.pace, found.value("pipeline", "best ratio")):
        figures["metrics-pipeline-figure"] = lines
    if lines := scaling(population, fit):
        figures["scaling-figure"] = lines
    for place, ranking in enumerate(rankings):
        if ranking.rows:
            figures[f"fitness-{place}"] = fitness(population, ranking)
            figures[f"curves-{place}"] = curves(population, ranking)
    return figures
