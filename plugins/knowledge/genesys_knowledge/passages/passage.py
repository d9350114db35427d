"""A piece of a text, and the ways of searching for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


class Mode(StrEnum):
    """By what passages are found: their words, their meaning, or the ranks of both."""

    TEXT = "text"
    VECTOR = "vector"
    HYBRID = "hybrid"


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document.

    Attributes:
        id: By which it is told from all others of its store.
        document: The id of the document.
        title: Of the document, with the section; searched like the text.
        text: What it says.
        url: Where the document is; empty if nowhere.
    """

    id: str
    document: str
    title: str
    text: str
    url: str = ""

    @property
    def content(self) -> str:
        """What is searched and embedded: the title, a newline, the text."""
        return f"{self.title}\n{self.text}"
