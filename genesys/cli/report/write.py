"""Writes the report: one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genesys.cli.metrics import SIMULATED
from genesys.cli.ranking import Ranking, rank, scales_of
from genesys.cli.report.cards import cards
from genesys.cli.report.descent import descent_tree
from genesys.cli.report.excerpt import excerpt
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

REJECTED = 300  # sessions, the latest


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
    part, places = excerpt(population, rankings)
    designs = cards(part, places, fit)
    turned_down = rejected(population)
    figures = _figures(population, rankings, fit, found)
    if part.designs:
        figures["descent-figure"] = descent_tree(part, rankings)
    return page(
        "page.html.j2",
        figures,
        title=title,
        headline=headline(population, rankings),
        tiles=tiles(population, rankings, usd),
        simulated=SIMULATED.format(tables.simulated, len(tables.verifications))
        if tables.simulated
        else "",
        folds=folds(found),
        rankings=places,
        cards=designs,
        shown={card.design.name for card in designs},
        left_out=len(population.designs) - len(designs),
        rejected=turned_down[-REJECTED:],
        rejected_before=max(0, len(turned_down) - REJECTED),
    )


def _figures(
    population: Population, rankings: Sequence[Ranking], fit: ScalingFit, found: Figures
) -> dict[str, Any]:
    """Figures by the id of the element they are drawn in."""
    figures: dict[str, Any] = {}
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
