"""What is read from a paper."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from genesys.text import clean


class RefusedError(Exception):
    """A file that no document can be made of; the message says why."""


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it: paragraphs with a blank line between them."""

    heading: str
    text: str


@dataclass(frozen=True)
class Document:
    """A text with its title, in sections.

    Attributes:
        title: Of the whole; empty if none was found.
        sections: In reading order.
        pages: Of a PDF; 0 for what has none.
        arxiv: Its arXiv identifier without a version, where it says so; else empty.
    """

    title: str
    sections: list[Section]
    pages: int = 0
    arxiv: str = ""

    @property
    def text(self) -> str:
        """Headings and texts."""
        return "\n\n".join(f"{s.heading}\n{s.text}".strip() for s in self.sections)

    @property
    def digest(self) -> str:
        """The same for texts that differ in case, spaces and punctuation only."""
        return sha256(" ".join(words(self.text)).encode()).hexdigest()


def tidy(text: str) -> str:
    """Text from outside as it is kept: composed, without ligatures and control sequences."""
    return clean(unicodedata.normalize("NFKC", text)).strip()


def words(text: str) -> list[str]:
    """Lower-case words and numbers."""
    return re.findall(r"\w+", text.lower())


def assembled(title: str, pairs: Iterable[tuple[str, str]]) -> Document:
    """The document of headings and the texts below them, with single spaces.

    Blank lines of a text divide its paragraphs; headings without a text are left out.
    """
    sections = [Section(heading=_line(heading), text=_paragraphs(text)) for heading, text in pairs]
    return Document(title=_line(title), sections=[s for s in sections if s.text])


def _line(text: str) -> str:
    return " ".join(tidy(text).split())


def _paragraphs(text: str) -> str:
    return "\n\n".join(filter(None, map(_line, re.split(r"\n\s*\n", text))))
