"""What all live sources share: their settings, and how hits become findings (app. B.1.3)."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from genesys.errors import ConfigError, SourceError
from genesys.markers import hookimpl
from genesys.records import Finding, Query
from genesys.resources import cache_root
from genesys.text import one_line
from genesys_knowledge.sources.hits import Hit, interleaved, plain
from genesys_knowledge.sources.http import Conversation, conversation
from genesys_knowledge.sources.loop import run
from genesys_knowledge.sources.wire import Key, Service

MOST_KEYWORDS = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class Source(ABC):
    """A knowledge plugin that asks a service by keywords.

    Attributes:
        base_url: Where the service is.
        seconds: For a whole search; then it is given up.
        per_minute: Most requests to the service, over all processes of the user.
        tries: Of a request.
        pause: Seconds before a second try; later ones wait longer.
        keep: Seconds for which an answer holds whose service does not say.
        excerpt: Most characters of a finding's text.
        contact: An address by which the service can reach you, e.g. ``mailto:you@example.org``.
        cache: Folder of the answers; empty for the user's.

    Raises:
        ValueError: One of them is out of bounds.
    """

    source: ClassVar[str]
    variable: ClassVar[str] = ""
    needs_key: ClassVar[bool] = False
    most: ClassVar[int] = 1000  # that the service tells of a question
    page_size: ClassVar[int] = 100

    base_url: str
    seconds: float = 20.0
    per_minute: float = 20.0
    tries: int = 4
    pause: float = 1.0
    keep: int = 86_400
    excerpt: int = 1500
    contact: str = ""
    cache: str = ""

    def __post_init__(self) -> None:
        if not re.match(r"https?://\S+$", self.base_url):
            raise ValueError(f"base_url must be an http(s) address, got {self.base_url!r}")
        if not (self.contact.isascii() and self.contact.isprintable()):
            raise ValueError(f"contact must be plain ASCII, got {self.contact!r}")
        for name in ("seconds", "per_minute", "tries", "excerpt"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        for name in ("pause", "keep"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")

    def ready(self) -> None:
        """Whether the key is there, if the service answers nobody without.

        Raises:
            ConfigError: It is not.
        """
        if self.needs_key and not self._secret:
            raise ConfigError(
                f"knowledge.{self.source} needs a key in the environment: export "
                f"{self.variable}=..., or leave the source out of knowledge=[...]."
            )

    @hookimpl
    def search(self, query: Query) -> list[Finding]:
        """See ``genesys.hookspecs.search``."""
        keywords = list(dict.fromkeys(filter(None, map(plain, query.keywords))))[:MOST_KEYWORDS]
        if not keywords or query.limit < 1:
            return []
        return run(self._search(self.questions(keywords), query.limit))

    def questions(self, keywords: list[str]) -> list[str]:
        """What to ask for: each keyword by itself, unless the service joins them."""
        return keywords

    @abstractmethod
    async def page(self, service: Conversation, question: str, start: int, size: int) -> list[Hit]:
        """What the service finds from a position on, best first, so many of them if it can."""

    def text_of(self, hit: Hit) -> str:
        """A hit's text as it is shown."""
        return one_line(hit.text, self.excerpt)

    @property
    def service(self) -> Service:
        """Whom to ask.

        Raises:
            SourceError: It needs a key, and there is none.
        """
        secret = self._secret
        if self.needs_key and not secret:
            raise SourceError(self.source, "it needs a key", f"Set {self.variable}.")
        return Service(
            source=self.source,
            folder=Path(self.cache) if self.cache else cache_root() / "sources",
            seconds=self.seconds,
            per_minute=self.per_minute,
            tries=self.tries,
            pause=self.pause,
            keep=self.keep,
            contact=self.contact,
            key=self.key_of(secret) if secret else None,
        )

    @property
    def _secret(self) -> str:
        return os.environ.get(self.variable, "").strip() if self.variable else ""

    def key_of(self, secret: str) -> Key:
        """How a secret is shown to the service."""
        return Key(self.variable, "Authorization", f"Bearer {secret}", secret)

    async def _search(self, questions: list[str], limit: int) -> list[Finding]:
        """The findings; an error has those that came before it."""
        lists = [list[Hit]() for _ in questions]
        try:
            async with conversation(self.service) as service:
                for question, hits in zip(questions, lists, strict=True):
                    await self._turn_pages(service, question, hits, min(limit, self.most))
        except SourceError as error:
            error.found = self._findings(lists, limit)
            raise
        return self._findings(lists, limit)

    async def _turn_pages(
        self, service: Conversation, question: str, hits: list[Hit], limit: int
    ) -> None:
        """Add page after page until there are enough, or one is not full."""
        size = min(self.page_size, limit)
        while len(hits) < limit:
            more = await self.page(service, question, len(hits), size)
            hits += more
            if len(more) < size:
                break

    def _findings(self, lists: list[list[Hit]], limit: int) -> list[Finding]:
        hits = interleaved(lists)[:limit]
        return [self._finding(hit, 1 - i / limit) for i, hit in enumerate(hits)]

    def _finding(self, hit: Hit, score: float) -> Finding:
        return Finding(
            source=self.source,
            title=hit.citation,
            text=self.text_of(hit),
            score=score,
            id=one_line(hit.id, 300),
            url=one_line(hit.url, 500),
        )
