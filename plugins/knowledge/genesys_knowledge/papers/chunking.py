"""Documents cut into passages: by section, then paragraph, then sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genesys.errors import MissingExtraError
from genesys_knowledge.passages.passage import Passage

if TYPE_CHECKING:
    from genesys_knowledge.papers.document import Document

MOST_WORDS = 200
LEAST_WORDS = 4  # what is shorter says nothing by itself


def chunked(document: Document, name: str, url: str) -> list[Passage]:
    """The passages of a document: at most 200 words, cut at the widest break that there is.

    Each has the document's title and its section's heading; no passage spans two sections.

    Raises:
        MissingExtraError: The extra ``papers`` is not installed.
    """
    try:
        from semchunk.semchunk import chunk
    except ImportError:
        raise MissingExtraError("Adding papers", "papers") from None

    found = [
        (section.heading, str(piece).strip())
        for section in document.sections
        for piece in chunk(section.text, MOST_WORDS, _count)
        if _count(str(piece)) >= LEAST_WORDS
    ]
    return [
        Passage(f"{name}#{i}", name, _titled(document.title, heading), text, url)
        for i, (heading, text) in enumerate(found)
    ]


def _count(text: str) -> int:
    return len(text.split())


def _titled(title: str, heading: str) -> str:
    return f"{title}: {heading}" if heading and heading != title else title
