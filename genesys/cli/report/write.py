"""Writes the report: one self-contained HTML file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genesys.cli.metrics import SIMULATED
from genesys.cli.ranking import Ranking, rank, scales_of
from genesys.cli.report.cards import cards
from genesys.cli.report.descent import descent_tree
from genesys.cli.report.generations import generations
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
from genesys.text import clean

if TYPE_CHECKING:
    from jinja2 import Environment


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
    from plotly.offline import get_plotlyjs

    rankings = [r for r in (rank(population, name) for name in scales) if r.rows or r.failures]
    fit = ScalingFit(population.reports)
    found = Figures.of(tables)
    usd = sum(tables.calls["usd"].to_pylist())
    scripts = {"plotly": get_plotlyjs(), "page": _asset("page.js")}
    page = _environment().get_template("page.html.j2")
    return page.render(
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
        figures=_figures(population, rankings, fit, found),
        style=_asset("page.css"),
        scripts=scripts,
        hashes=[_hash(script) for script in scripts.values()],
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


def _environment() -> Environment:
    from jinja2 import Environment, StrictUndefined

    from genesys.cli.efficiency import lines
    from genesys.cli.leaderboard import accuracy, descent, number
    from genesys.cli.text import count, duration, gist

    environment = Environment(
        loader=_loader(),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Whatever a template prints and nobody marked as HTML is cleaned, then escaped.
        finalize=lambda value: clean(value) if type(value) is str else value,
    )
    filters = {
        "count": count,
        "duration": duration,
        "gist": gist,
        "number": number,
        "accuracy": accuracy,
        "efficiency": lines,
    }
    environment.filters.update(filters)
    environment.globals["descent"] = descent
    return environment


def _loader() -> Any:
    from jinja2 import FunctionLoader

    return FunctionLoader(_asset)


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _hash(script: str) -> str:
    """The script's source expression for the content security policy."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
