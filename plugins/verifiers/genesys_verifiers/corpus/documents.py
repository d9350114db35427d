"""What a source of text yields."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

Split = Literal["train", "valid", "test"]


@dataclass(frozen=True)
class Document:
    """A text that goes to training or to evaluation as a whole.

    Attributes:
        kind: What sort of text it is, e.g. ``prose``; each kind is held out by its share.
        text: The text.
        split: Where it goes, if its source has splits of its own.
    """

    kind: str
    text: str
    split: Split | None = None

    @property
    def digest(self) -> str:
        """Hash of the text: identifies, orders and splits documents."""
        return digest_of(self.text)


@dataclass(frozen=True)
class Skipped:
    """Something that could not be read as a document.

    Attributes:
        why: In two or three words; what is skipped is counted by it.
        where: File and line.
    """

    why: str
    where: str


def digest_of(text: str) -> str:
    """24 hexadecimal digits that depend on nothing but the text."""
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
