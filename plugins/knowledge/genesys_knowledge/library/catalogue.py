"""Texts that fit into memory, found by their words, their meaning, or both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from genesys.errors import StoreError
from genesys.records import Finding
from genesys_knowledge.library.vectors import cache_folder, vectors_of
from genesys_knowledge.passages.passage import Mode
from genesys_knowledge.similarity import Index

if TYPE_CHECKING:
    from genesys_knowledge.passages.embedders import Embedder
    from genesys_knowledge.passages.table import Vectors

# The words' part of a hybrid score, chosen on one half of the questions in benchmarks/retrieval.
WORDS = 0.6


@dataclass(frozen=True)
class Entry:
    """What can be found.

    Attributes:
        finding: As it is given, but for its score.
        words: What it is found by when words are compared.
        meaning: What its vector is made of.
    """

    finding: Finding
    words: str
    meaning: str


class Catalogue:
    """Entries in memory.

    Args:
        groups: Of entries to search. How rare a word is depends on its own group only.
        embedder: Makes vectors; without one, all search is by words.
    """

    def __init__(self, groups: Sequence[Sequence[Entry]], embedder: Embedder | None = None) -> None:
        self._groups, self._embedder = groups, embedder
        self._entries = [entry for group in groups for entry in group]
        self._vectors: Vectors | None = None

    def search(self, asked: str, mode: Mode = Mode.HYBRID) -> list[Finding]:
        """All entries with scores in 0..1, best first.

        By words the score is the cosine of TF-IDF vectors, by meaning that of the embedder's
        vectors, and by both a weighted mean of the two.

        Raises:
            GenesysError: The embedder fails, or its vectors cannot be kept.
        """
        found = [
            entry.finding.model_copy(update={"score": score})
            for entry, score in zip(self._entries, self._scores(asked, mode), strict=True)
        ]
        return sorted(found, key=lambda finding: -finding.score)

    def _scores(self, asked: str, mode: Mode) -> list[float]:
        if not asked.strip():
            return [0.0] * len(self._entries)
        if self._embedder is None or mode is Mode.TEXT:
            return self._likeness(asked)
        nearness = self._nearness(asked, self._embedder)
        if mode is Mode.VECTOR:
            return nearness
        shared = self._likeness(asked)
        both = zip(shared, nearness, strict=True)
        return [WORDS * words + (1 - WORDS) * meaning for words, meaning in both]

    def _nearness(self, asked: str, embedder: Embedder) -> list[float]:
        if self._vectors is None:
            self._vectors = vectors_of([entry.meaning for entry in self._entries], embedder)
        vector = embedder.embed([asked])[0]
        if vector.shape != self._vectors.shape[1:]:
            raise StoreError(
                f"The embedder {embedder.name} gives vectors of {len(vector)} numbers, those of "
                f"the library have {self._vectors.shape[1]}. Remove {cache_folder()}."
            )
        return [float(cosine) for cosine in (self._vectors @ vector).clip(0, 1)]

    def _likeness(self, asked: str) -> list[float]:
        return [score for index in self._indices for score in index.likeness(asked)]

    @cached_property
    def _indices(self) -> list[Index]:
        return [Index([entry.words for entry in group]) for group in self._groups]
