"""The plugin ``knowledge.semantic_scholar``: papers of chosen venues, by relevance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import model_validator

from genesys_knowledge.sources.answers import Answer, parser
from genesys_knowledge.sources.hits import Hit
from genesys_knowledge.sources.http import Conversation, MalformedError, Params
from genesys_knowledge.sources.source import Source
from genesys_knowledge.sources.wire import Key

FIELDS = "title,abstract,year,authors,externalIds,url,openAccessPdf"
# In Semantic Scholar's words: NeurIPS, ICML, ICLR, ACL, EMNLP, NAACL (app. B.1.3).
VENUES = (
    "Neural Information Processing Systems",
    "International Conference on Machine Learning",
    "International Conference on Learning Representations",
    "Annual Meeting of the Association for Computational Linguistics",
    "Conference on Empirical Methods in Natural Language Processing",
    "North American Chapter of the Association for Computational Linguistics",
)


class _Author(Answer):
    name: str | None = None


class _Pdf(Answer):
    url: str | None = None


class Paper(Answer):
    """A paper as Semantic Scholar tells it."""

    paperId: str  # noqa: N815
    title: str | None = None
    abstract: str | None = None
    year: int | None = None
    authors: list[_Author] | None = None
    externalIds: dict[str, Any] | None = None  # noqa: N815
    url: str | None = None
    openAccessPdf: _Pdf | None = None  # noqa: N815

    def number(self, catalogue: str) -> str:
        """Its number in another catalogue, e.g. ``ArXiv`` or ``DOI``; empty if it has none."""
        return str((self.externalIds or {}).get(catalogue) or "")

    @property
    def pdf(self) -> str:
        """Where it can be downloaded; empty if nowhere."""
        return (self.openAccessPdf.url if self.openAccessPdf else None) or ""

    @property
    def page(self) -> str:
        """Its page at Semantic Scholar."""
        return self.url or f"https://www.semanticscholar.org/paper/{self.paperId}"

    @property
    def hit(self) -> Hit:
        """The same as a hit."""
        return Hit(
            id=f"s2:{self.paperId}",
            title=self.title or "Untitled",
            text=self.abstract or "",
            url=self.page,
            authors=[a.name or "" for a in self.authors or ()],
            year=self.year,
        )


class _Page(Answer):
    total: int
    data: list[Paper] | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> _Page:
        if self.total and self.data is None:
            raise ValueError("data: field required")
        return self


@dataclass(frozen=True, kw_only=True, eq=False)
class SemanticScholarKnowledge(Source):
    """Finds papers by relevance, one request a keyword.

    Attributes:
        venues: Where they have appeared; empty for anywhere.
        since: The earliest year.
    """

    source: ClassVar[str] = "semantic_scholar"
    most: ClassVar[int] = 900  # position and size of a page together stay below 1,000
    variable: ClassVar[str] = "SEMANTIC_SCHOLAR_API_KEY"

    base_url: str = "https://api.semanticscholar.org/graph/v1"
    per_minute: float = 50.0  # a key allows one a second
    venues: Sequence[str] = VENUES
    since: int = 2015

    def key_of(self, secret: str) -> Key:
        """See ``Source.key_of``."""
        return Key(self.variable, "x-api-key", secret, secret)

    async def page(self, service: Conversation, question: str, start: int, size: int) -> list[Hit]:
        """See ``Source.page``."""
        params: Params = {"query": question, "fields": FIELDS, "year": f"{self.since}-"}
        if self.venues:
            params["venue"] = ",".join(self.venues)
        params |= {"offset": start, "limit": size}
        found = await service.get(f"{self.base_url}/paper/search", params, parser(_Page))
        return [paper.hit for paper in found.data or []]

    async def look_up(self, service: Conversation, ids: Sequence[str]) -> list[Paper | None]:
        """The papers of up to 500 ids, in their order; None for those that it does not know."""
        url = f"{self.base_url}/paper/batch"

        def parse(body: bytes) -> list[Paper | None]:
            papers = parser(list[Paper | None])(body)
            if len(papers) != len(ids):
                raise MalformedError(f"{len(papers)} papers for {len(ids)} ids")
            return papers

        return await service.post(url, {"fields": FIELDS}, {"ids": list(ids)}, parse)
