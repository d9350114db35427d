"""Documents cut into passages: by section, then paragraph, then sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genesys.errors import MissingExtraError
from genesys.text import one_line
from genesys_knowledge.passages.passage import Passage

if TYPE_CHECKING:
    from genesys_knowledge.papers.document import Document

MOST_WORDS = 200
LEAST_WORDS = 4  # what is shorter says nothing by itself
LONGEST_WORD = 12  # characters; longer ones, and scripts without spaces, count as several
LONGEST_HEADING = 200  # characters; it goes with each passage


def chunked(document: Document, name: str, url: str) -> list[Passage]:
    """The passages of a document: at most 200 words, cut at the widest break that there is.

    Text without spaces is cut like other text, 12 characters counting as a word.

    Each has the document's title and its section's heading; no passage spans two sections.

    Raises:
        MissingExtraError: The extra ``papers`` is not installed.
    """
    try:
        from semchunk.semchunk import chunk
    except ImportError:
        raise MissingExtraError("Adding papers", "papers") from None

    titled = [(_titled(document.title, s.heading), s.text) for s in document.sections]
    found = [
        (title, str(piece).strip())
        for title, text in titled
        for piece in chunk(text, MOST_WORDS, _count, memoize=False)
        if _count(str(piece)) >= LEAST_WORDS
    ]
    return [Passage(f"{name}#{i}", name, title, text, url) for i, (title, text) in enumerate(found)]


def _count(text: str) -> int:
    return max(len(text.split()), len(text) // LONGEST_WORD)


def _titled(title: str, heading: str) -> str:
    if not heading or heading == title:
        return title
    return f"{title}: {one_line(heading, LONGEST_HEADING)}"
