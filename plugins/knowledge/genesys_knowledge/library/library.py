"""The plugin ``knowledge.library``: the reference library, without a network."""

from __future__ import annotations

from functools import cached_property

from genesys.markers import hookimpl
from genesys.population.population import Population
from genesys.records import Finding, Query
from genesys_knowledge.library.works import Work, works
from genesys_knowledge.similarity import Index

UNVERIFIED = "By its title only, its mechanism unverified: "


class LibraryKnowledge:
    """Finds works by what their titles, summaries and tags have in common with a query.

    Args:
        cutoff: Works with a lower score are left out.

    Raises:
        ValueError: The cutoff is out of bounds.
    """

    def __init__(self, cutoff: float = 0.05) -> None:
        if not 0 <= cutoff <= 1:
            raise ValueError(f"cutoff must lie in 0..1, got {cutoff}")
        self._cutoff = cutoff

    @hookimpl
    def search(self, population: Population, query: Query) -> list[Finding]:
        """See ``genesys.hookspecs.search``."""
        asked = " ".join([*query.keywords, query.description])
        scores = self._index.likeness(asked)
        ranked = sorted(zip(scores, works(), strict=True), key=lambda pair: (-pair[0], pair[1].key))
        return [
            Finding(source="library", title=work.citation, text=_text(work), score=score)
            for score, work in ranked[: query.limit]
            if score > self._cutoff
        ]

    @cached_property
    def _index(self) -> Index:
        return Index([f"{w.key} {w.title} {w.summary} {' '.join(w.tags)}" for w in works()])


def _text(work: Work) -> str:
    return work.summary if work.verified else f"{UNVERIFIED}{work.summary}"
