"""What a report shows of a run that has too many designs for one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from genesys.cli.ranking import Ranking, Row
from genesys.population.population import Population

MOST = 200  # designs that are shown one by one
POINTS = 1500  # of a figure with a mark for each design


def excerpt(
    population: Population, rankings: Sequence[Ranking]
) -> tuple[Population, list[Ranking]]:
    """The designs to show with their descent, and their places.

    Those that are verified at the most scales and do best there, the seeds, and the ancestors of
    all these.

    Args:
        population: Everything the run knows.
        rankings: At each scale, the smallest first.
    """
    if len(population.designs) <= MOST:
        return population, list(rankings)
    best = dict.fromkeys(row.design for ranking in reversed(rankings) for row in ranking.rows)
    latest = dict.fromkeys(design.name for design in reversed(population.designs))
    shown = {design.name for design in population.seeds}
    for name in list(best | latest)[:MOST]:
        shown |= _line(population, name, shown)
    designs = [design for design in population.designs if design.name in shown]
    part = Population(
        designs,
        [report for report in population.reports if report.design in shown],
        population.sessions,
        population.weights,
    )
    return part, [
        replace(
            ranking,
            rows=tuple(row for row in ranking.rows if row.design in shown),
            failures=tuple(failure for failure in ranking.failures if failure.design in shown),
        )
        for ranking in rankings
    ]


def thinned(rows: Sequence[Row]) -> list[Row]:
    """At most about ``POINTS`` rows: the best, and of the others each so-and-so-many-th."""
    step = max(1, len(rows) // (POINTS - MOST))
    return [
        row for place, row in enumerate(rows) if place < MOST or row.is_seed or not place % step
    ]


def _line(population: Population, name: str, known: set[str]) -> set[str]:
    """A design and those of its ancestors that are not known."""
    found, left = set[str](), [name]
    while left:
        one = left.pop()
        if one not in known and one not in found and one in population.by_name:
            found.add(one)
            left += population.by_name[one].parents
    return found
