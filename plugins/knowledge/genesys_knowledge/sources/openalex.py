"""The plugin ``knowledge.openalex``: works of the open catalogue OpenAlex."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from genesys_knowledge.sources.answers import Answer, parser
from genesys_knowledge.sources.hits import Hit
from genesys_knowledge.sources.http import Conversation, Params
from genesys_knowledge.sources.source import Source

FIELDS = "id,doi,display_name,publication_year,authorships,abstract_inverted_index"


class _Author(Answer):
    display_name: str | None = None


class _Authorship(Answer):
    author: _Author | None = None


class _Work(Answer):
    id: str
    doi: str | None = None
    display_name: str | None = None
    publication_year: int | None = None
    authorships: list[_Authorship] | None = None
    abstract_inverted_index: dict[str, list[int]] | None = None

    @property
    def abstract(self) -> str:
        """The words, each back in its places."""
        index = self.abstract_inverted_index or {}
        placed = sorted((place, word) for word, places in index.items() for place in places)
        return " ".join(word for _, word in placed)

    @property
    def hit(self) -> Hit:
        names = [a.author.display_name for a in self.authorships or () if a.author]
        return Hit(
            id=f"openalex:{self.id.rpartition('/')[2]}",
            title=self.display_name or "Untitled",
            text=self.abstract,
            url=self.doi or self.id,
            authors=[name or "" for name in names],
            year=self.publication_year,
        )


class _Page(Answer):
    results: list[_Work]


@dataclass(frozen=True, kw_only=True, eq=False)
class OpenAlexKnowledge(Source):
    """Finds works that have all words of a keyword; all keywords go in one request.

    Attributes:
        field: Number of the field of research; empty for all (17 is computer science).
        since: The earliest year.
    """

    source: ClassVar[str] = "openalex"
    variable: ClassVar[str] = "OPENALEX_API_KEY"

    base_url: str = "https://api.openalex.org"
    per_minute: float = 60.0
    field: str = "17"
    since: int = 2015

    def questions(self, keywords: list[str]) -> list[str]:
        """See ``Source.questions``."""
        return [" OR ".join(f"({' AND '.join(k.split())})" for k in keywords)]

    async def page(self, service: Conversation, question: str, start: int, size: int) -> list[Hit]:
        """See ``Source.page``."""
        filters = [f"from_publication_date:{self.since}-01-01"]
        if self.field:
            filters.append(f"primary_topic.field.id:{self.field}")
        params: Params = {"search": question, "filter": ",".join(filters), "select": FIELDS}
        params |= {"per_page": size, "page": start // size + 1}
        found = await service.get(f"{self.base_url}/works", params, parser(_Page))
        return [work.hit for work in found.results]
