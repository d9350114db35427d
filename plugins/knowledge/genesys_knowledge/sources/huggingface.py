"""The plugin ``knowledge.huggingface``: the papers that Hugging Face keeps pages of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from genesys_knowledge.sources.answers import Answer, parser
from genesys_knowledge.sources.hits import Hit
from genesys_knowledge.sources.http import Conversation, Params
from genesys_knowledge.sources.source import Source


class _Author(Answer):
    name: str | None = None


class _Paper(Answer):
    id: str
    title: str
    summary: str | None = None
    authors: list[_Author] | None = None
    publishedAt: str | None = None  # noqa: N815

    @property
    def hit(self) -> Hit:
        year = re.match(r"\d{4}", self.publishedAt or "")
        return Hit(
            id=f"arxiv:{self.id}" if re.fullmatch(r"\d{4}\.\d{4,5}", self.id) else f"hf:{self.id}",
            title=self.title,
            text=self.summary or "",
            url=f"https://huggingface.co/papers/{self.id}",
            authors=[a.name or "" for a in self.authors or ()],
            year=int(year[0]) if year else None,
        )


class _Found(Answer):
    paper: _Paper


@dataclass(frozen=True, kw_only=True, eq=False)
class HuggingFaceKnowledge(Source):
    """Finds papers by what they mean, one request a keyword."""

    source: ClassVar[str] = "huggingface"
    most: ClassVar[int] = 100  # there is no second page
    variable: ClassVar[str] = "HF_TOKEN"

    base_url: str = "https://huggingface.co/api"
    per_minute: float = 60.0

    async def page(self, service: Conversation, question: str, start: int, size: int) -> list[Hit]:
        """See ``Source.page``; there is but one."""
        params: Params = {"q": question, "limit": size}
        found = await service.get(f"{self.base_url}/papers/search", params, parser(list[_Found]))
        return [one.paper.hit for one in found[:size]]
