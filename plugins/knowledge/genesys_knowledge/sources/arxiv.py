"""The plugin ``knowledge.arxiv``: preprints, through arXiv's Atom interface."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar
from xml.etree.ElementTree import ParseError

from defusedxml.ElementTree import fromstring

from genesys_knowledge.sources.hits import Hit
from genesys_knowledge.sources.http import Conversation, MalformedError, Params
from genesys_knowledge.sources.source import Source

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

ATOM = "{http://www.w3.org/2005/Atom}"


@dataclass(frozen=True, kw_only=True, eq=False)
class ArxivKnowledge(Source):
    """Finds preprints that have all words of a keyword; all keywords go in one request.

    Attributes:
        categories: Subject classes to look in; empty for all (app. B.1.3 has cs.LG and cs.CL).
    """

    source: ClassVar[str] = "arxiv"
    most: ClassVar[int] = 2000

    base_url: str = "https://export.arxiv.org/api"
    per_minute: float = 20.0  # one in three seconds, as arXiv's terms of use ask
    categories: Sequence[str] = ("cs.LG", "cs.CL")

    def questions(self, keywords: list[str]) -> list[str]:
        """See ``Source.questions``."""
        wanted = " OR ".join(f"({' AND '.join(f'all:{w}' for w in k.split())})" for k in keywords)
        if self.categories:
            wanted = f"({wanted}) AND ({' OR '.join(f'cat:{c}' for c in self.categories)})"
        return [wanted]

    async def page(self, service: Conversation, question: str, start: int, size: int) -> list[Hit]:
        """See ``Source.page``."""
        params: Params = {"search_query": question, "start": start, "max_results": size}
        return await self._feed(service, params | {"sortBy": "relevance"})

    async def look_up(self, service: Conversation, ids: Sequence[str]) -> list[Hit]:
        """The preprints of these arXiv numbers; those that it does not know are missing."""
        return await self._feed(service, {"id_list": ",".join(ids), "max_results": len(ids)})

    async def _feed(self, service: Conversation, params: Params) -> list[Hit]:
        return await service.get(f"{self.base_url}/query", params, _hits)


def _hits(body: bytes) -> list[Hit]:
    try:
        feed = fromstring(body)
    except (ParseError, LookupError, ValueError) as error:  # entities and encodings, too
        raise MalformedError(f"no Atom feed: {error}") from None
    if feed.tag != f"{ATOM}feed":
        raise MalformedError(f"no Atom feed but <{feed.tag}>")
    return [_hit(entry) for entry in feed.iterfind(f"{ATOM}entry")]


def _hit(entry: Element) -> Hit:
    url = _text(entry, "id")
    number = re.search(r"/abs/(.+?)(v\d+)?$", url)
    if not number:
        summary = entry.findtext(f"{ATOM}summary", "")
        raise MalformedError(f"entry.id: {url!r} is no preprint. {summary}")
    published = re.match(r"\d{4}", _text(entry, "published"))
    return Hit(
        id=f"arxiv:{number[1]}",
        title=_text(entry, "title"),
        text=entry.findtext(f"{ATOM}summary", ""),
        url=f"https://arxiv.org/abs/{number[1]}",
        authors=[n.text or "" for n in entry.iterfind(f"{ATOM}author/{ATOM}name")],
        year=int(published[0]) if published else None,
    )


def _text(entry: Element, name: str) -> str:
    """The text of an element that every entry has."""
    text = entry.findtext(f"{ATOM}{name}")
    if not text:
        raise MalformedError(f"entry.{name}: missing")
    return text.strip()
