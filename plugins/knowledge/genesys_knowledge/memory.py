"""What the run has tried before: its proposals and units, searched by words (app. B.1.5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from genesys.gau.unit import parse_unit
from genesys.markers import hookimpl
from genesys.population.population import Population
from genesys.records import Finding, Query, Unit
from genesys_knowledge.similarity import Index


class MemoryKnowledge:
    """Finds earlier proposals and units by the cosine of their TF-IDF vectors with the query.

    Words that are in every document weigh least, identifiers are split into their words, and
    units of equal code are found once.

    Args:
        cutoff: Findings with a lower score are left out.
        excerpt: Most characters of a finding's text.

    Raises:
        ValueError: A parameter is out of bounds.
    """

    def __init__(self, cutoff: float = 0.05, excerpt: int = 2000) -> None:
        if not 0 <= cutoff <= 1:
            raise ValueError(f"cutoff must lie in 0..1, got {cutoff}")
        if excerpt < 1:
            raise ValueError(f"excerpt must be positive, got {excerpt}")
        self._cutoff, self._excerpt = cutoff, excerpt

    @hookimpl
    def search(self, population: Population, query: Query) -> list[Finding]:
        """See ``genesys.hookspecs.search``."""
        asked = " ".join([*query.keywords, query.description])
        documents = list(_documents(population))
        scores = Index([f"{title} {text}" for _, title, text in documents]).likeness(asked)
        scored = [
            Finding(source=source, title=title, text=text[: self._excerpt], score=score)
            for (source, title, text), score in zip(documents, scores, strict=True)
            if score > self._cutoff
        ]
        scored.sort(key=lambda finding: finding.score, reverse=True)
        return list(_most_of_each(scored, query.limit))


def _most_of_each(findings: Sequence[Finding], most: int) -> Iterator[Finding]:
    """The first so many of each source."""
    taken = Counter[str]()
    for finding in findings:
        taken[finding.source] += 1
        if taken[finding.source] <= most:
            yield finding


def _documents(population: Population) -> Iterator[tuple[str, str, str]]:
    """Source, title and text of everything to search, newest first."""
    seen: set[str] = set()
    for design in reversed(population.designs):
        if design.proposal:
            title = f"{design.name}: {design.proposal.abstract}"
            yield "proposals", title, design.proposal.text
        for unit in design.units:
            if unit.code not in seen:
                seen.add(unit.code)
                yield "units", f"{unit.name} of {design.name}", _about(unit)


def _about(unit: Unit) -> str:
    """The unit's docstring and code; the code alone when it has none."""
    doc = parse_unit(unit.code, unit.name).docstring
    return f"{doc}\n\n{unit.code}" if doc else unit.code
