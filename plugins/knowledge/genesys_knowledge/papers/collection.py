"""The papers that were added, with their passages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genesys.resources import data_root
from genesys_knowledge.papers.paper import Paper
from genesys_knowledge.passages.guard import alone, telling
from genesys_knowledge.passages.passage import Passage, Progress, silent
from genesys_knowledge.passages.store import PassageStore

if TYPE_CHECKING:
    from genesys.population.store import RecordTable
    from genesys_knowledge.passages.embedders import Embedder

TABLE = "documents"


def default_folder() -> Path:
    """Where a user's papers are kept."""
    return data_root() / "papers"


class PaperStore:
    """A folder of papers. One process at a time adds; any number search.

    Args:
        folder: Of the store; made when something is added.
        embedder: Makes vectors of passages; without one, they are found by their words alone.

    Raises:
        StoreError: The passages in the folder were embedded by another embedder.
    """

    def __init__(self, folder: Path, embedder: Embedder | None = None) -> None:
        self.folder = folder
        self.passages = PassageStore(folder, embedder)

    def papers(self) -> list[Paper]:
        """All papers, in the order in which they were added.

        Raises:
            StoreError: The store cannot be read.
        """
        if not (self.folder / f"{TABLE}.lance").is_dir():
            return []
        with telling("read", self.folder):
            return self._table(writable=False).read()

    def paper(self, name: str) -> Paper | None:
        """The paper of a name."""
        return next((paper for paper in self.papers() if paper.name == name), None)

    def add(
        self, paper: Paper, passages: Sequence[Passage], progress: Progress = silent
    ) -> Paper | None:
        """Add a paper, unless one like it is there.

        Its passages come first: a paper that is listed is whole, and one that a killed process
        left half is added again.

        Returns:
            The paper that is like it; None if it was added.

        Raises:
            StoreError: The disk refuses.
        """
        with alone(self.folder, progress):
            if twin := paper.twin(self.papers()):
                return twin
            self.passages.add(passages, progress)
            with telling("write to", self.folder):
                self._table(writable=True).append(paper)
        return None

    def _table(self, writable: bool) -> RecordTable[Paper]:
        from genesys.population.store import RecordTable

        return RecordTable(self.folder, TABLE, Paper, writable)
