"""One card per design: idea, lineage, scores and the code it does not share with its parents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genesys.cli.lineage import offspring, origins, outline
from genesys.cli.ranking import Ranking, Row
from genesys.cli.report.excerpt import MOST
from genesys.cli.report.prose import markdown, python
from genesys.population.population import Population
from genesys.population.scaling import ScalingFit
from genesys.records import Design, Forecast, Operator, VerificationReport

if TYPE_CHECKING:
    from markupsafe import Markup

CODE_BUDGET = 400_000  # characters of source code in one report


@dataclass(frozen=True)
class UnitView:
    """A unit: its name, number of lines, the parent it is taken from, and its code if shown."""

    name: str
    lines: int
    source: str
    code: Markup | None


@dataclass(frozen=True)
class Card:
    """What the report shows of one design.

    Attributes:
        design: The design itself.
        proposal: Its proposal as HTML; None for seeds.
        review: Its review as HTML.
        tree: The GAU tree as text.
        units: Root first.
        children: Names of designs made from it.
        places: Its row at each scale it was ranked at.
        reports: All its reports.
        forecast: Of its loss at the next scale; None for one that has no loss at any.
    """

    design: Design
    proposal: Markup | None
    review: Markup | None
    tree: str
    units: list[UnitView]
    children: list[str]
    places: list[tuple[Ranking, Row]]
    reports: list[VerificationReport]
    forecast: Forecast | None


def cards(population: Population, rankings: Sequence[Ranking], fit: ScalingFit) -> list[Card]:
    """Those verified at the most scales and then the best first.

    All designs, unless there are too many for a page; then these, and the seeds.
    """
    places: dict[str, list[tuple[Ranking, Row]]] = {d.name: [] for d in population.designs}
    for ranking in rankings:
        for row in ranking.rows:
            places[row.design].append((ranking, row))
    ordered = sorted(population.designs, key=lambda d: _order(places[d.name], d))
    rest = [design for design in ordered[MOST:] if design.operator is Operator.SEED]
    ordered = ordered[:MOST] + rest
    budget = CODE_BUDGET
    built = []
    for design in ordered:
        shared = origins(population, design)
        fresh = sum(len(unit.code) for unit in design.units if not shared[unit.name])
        budget -= fresh
        forecast = fit.forecast(design.name) if fit.rungs(design.name) else None
        own = places[design.name]
        built.append(_card(population, design, shared, own, forecast, budget >= 0))
    return built


def _order(places: list[tuple[Ranking, Row]], design: Design) -> tuple[int, int, int]:
    rank = places[-1][1].rank if places else 0
    return (-len(places), rank, design.index)


def _card(
    population: Population,
    design: Design,
    shared: dict[str, str],
    places: list[tuple[Ranking, Row]],
    forecast: Forecast | None,
    with_code: bool,
) -> Card:
    return Card(
        design=design,
        proposal=markdown(design.proposal.document) if design.proposal else None,
        review=markdown(design.review.text) if design.review else None,
        tree=outline(design),
        units=[
            UnitView(
                name=unit.name,
                lines=unit.code.count("\n") + 1,
                source=shared[unit.name],
                code=python(unit.code) if with_code and not shared[unit.name] else None,
            )
            for unit in design.units
        ],
        children=offspring(population, design.name),
        places=places,
        reports=population.reports_of(design.name),
        forecast=forecast,
    )
