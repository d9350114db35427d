"""The plugin ``knowledge.papers``: papers of your own, added by ``genesys library add``."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Literal

from genesys.errors import ConfigError, GenesysError, SourceError
from genesys.markers import hookimpl
from genesys.records import Finding, Query
from genesys.text import clean, one_line
from genesys_knowledge.papers.collection import PaperStore, default_folder
from genesys_knowledge.passages.embedders import open_embedder
from genesys_knowledge.passages.passage import Mode, Passage
from genesys_knowledge.passages.reranker import open_reranker

SOURCE = "papers"
RERANKED = 4  # times as many passages as are wanted


class PapersKnowledge:
    """Finds passages by a description.

    Args:
        folder: Of the store; empty for the user's.
        embedder: ``none``, ``minilm`` or ``litellm:<model>``; the one that the store was made with.
        mode: By what passages are found; without an embedder always by words.
        reranker: ``none`` or ``litellm:<model>``.
        cutoff: Passages with a lower score are left out.
        excerpt: Most characters of a passage.

    Raises:
        ConfigError: There is no such embedder or reranker.
        MissingExtraError: The embedder is not installed.
        ValueError: A parameter is out of bounds.
    """

    def __init__(
        self,
        folder: str = "",
        embedder: str = "none",
        mode: Literal["hybrid", "text", "vector"] = "hybrid",
        reranker: str = "none",
        cutoff: float = 0.05,
        excerpt: int = 2000,
    ) -> None:
        if not 0 <= cutoff <= 1:
            raise ValueError(f"cutoff must lie in 0..1, got {cutoff}")
        if excerpt < 1:
            raise ValueError(f"excerpt must be positive, got {excerpt}")
        self._folder = Path(folder).expanduser() if folder else default_folder()
        self._embedder, self._mode = open_embedder(embedder), Mode(mode)
        self._reranker = open_reranker(reranker)
        self._cutoff, self._excerpt = cutoff, excerpt

    def ready(self) -> None:
        """Whether there are papers, and this embedder made their vectors.

        Raises:
            ConfigError: There are none.
            StoreError: Another embedder did, or the store cannot be read.
        """
        if not len(self._store.passages):
            raise ConfigError(
                f"knowledge.papers has no papers in {self._folder}. Add some with genesys library "
                "add <pdf | folder | arXiv id>, or leave it out of knowledge=[...]."
            )

    @hookimpl
    def search(self, query: Query) -> list[Finding]:
        """See ``genesys.hookspecs.search``."""
        asked = query.description.strip()
        if not asked or query.limit < 1:
            return []
        many = query.limit * (RERANKED if self._reranker else 1)
        try:
            scored = self._store.passages.search(asked, many, self._mode)
        except GenesysError as error:
            raise SourceError(SOURCE, one_line(str(error), 300).rstrip(".")) from None
        return self._findings(self._reranked(asked, scored, query.limit), query.limit)

    def _reranked(
        self, asked: str, scored: list[tuple[Passage, float]], limit: int
    ) -> list[tuple[Passage, float]]:
        if not self._reranker:
            return scored
        try:
            return self._reranker.rerank(asked, [passage for passage, _ in scored], limit)
        except GenesysError as error:
            found = self._findings(scored, limit)
            reason = f"its passages are in no better order ({one_line(str(error), 300)})"
            raise SourceError(SOURCE, reason, found=found) from None

    def _findings(self, scored: list[tuple[Passage, float]], limit: int) -> list[Finding]:
        return [
            Finding(
                source=SOURCE,
                title=one_line(passage.title, 300),
                text=clean(passage.text)[: self._excerpt],
                score=score,
                id=f"{SOURCE}:{one_line(passage.id, 200)}",
                url=one_line(passage.url, 300),
            )
            for passage, score in scored[:limit]
            if score > self._cutoff
        ]

    @cached_property
    def _store(self) -> PaperStore:
        return PaperStore(self._folder, self._embedder)
