"""A source of text in one file: letters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from genesys_verifiers.corpus import CorpusConfig, Document, Part, Skipped


class Letters(CorpusConfig):
    """Letters, one to a file.

    Attributes:
        folder: Where they lie.
    """

    name: Literal["letters"] = "letters"
    folder: str

    def parts(self) -> Sequence[Part]:
        """One for each letter."""
        return [(str(path),) for path in sorted(Path(self.folder).glob("*.letter"))]

    def read(self, part: Part) -> Iterator[Document | Skipped]:
        """The letter, if it is one."""
        text = Path(part[0]).read_text(encoding="utf-8", errors="replace")
        yield Document("letter", text) if "Dear" in text else Skipped("no letter", part[0])
