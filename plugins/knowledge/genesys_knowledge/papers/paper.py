"""A paper that was added, and how one is told from its copies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from genesys.records import Record
from genesys_knowledge.papers.document import words

if TYPE_CHECKING:
    from genesys_knowledge.papers.document import Document

OPENING_WORDS, SHINGLE = 300, 3
MOST_OPENING = 10_000  # characters
ALIKE, ALIKE_BY_TITLE = 0.7, 0.3  # shares of what two openings have in common
LONGEST_NAME = 40


class Paper(Record):
    """A document that was added.

    Attributes:
        name: By which it is cited: its arXiv identifier, or a part of its title with a mark.
        title: Of the document.
        source: From where it was added: a path or an arXiv identifier.
        url: Where a person can read it; empty if only at its source.
        file: SHA-256 of the file that was read.
        digest: Of its words.
        opening: Its first words, by which near-duplicates are told.
        pages: Of a PDF; 0 for what has none.
        passages: How many.
    """

    name: str
    title: str
    source: str
    url: str
    file: str
    digest: str
    opening: str
    pages: int
    passages: int

    def twin(self, papers: Iterable[Paper]) -> Paper | None:
        """One of some papers that is the same as this, or nearly."""
        return next((paper for paper in papers if self._like(paper)), None)

    def _like(self, other: Paper) -> bool:
        if self.name == other.name or self.digest == other.digest:
            return True
        same_title = bool(self.title) and words(self.title) == words(other.title)
        return _common(self.opening, other.opening) >= (ALIKE_BY_TITLE if same_title else ALIKE)


def name_of(document: Document) -> str:
    """A name for a document, the same whenever it is read."""
    if document.arxiv:
        return document.arxiv
    slug = "-".join(words(document.title))[:LONGEST_NAME].strip("-")
    return f"{slug or 'untitled'}-{document.digest[:8]}"


def opening_of(document: Document) -> str:
    """The first words of a document."""
    return " ".join(words(document.text)[:OPENING_WORDS])[:MOST_OPENING]


def _common(one: str, other: str) -> float:
    """Share of runs of three words that two texts have in common, of those in either."""
    first, second = _runs(one), _runs(other)
    either = first | second
    return len(first & second) / len(either) if either else 0.0


def _runs(text: str) -> set[tuple[str, ...]]:
    split = text.split()
    return {tuple(split[i : i + SHINGLE]) for i in range(len(split) - SHINGLE + 1)}
