"""A folder of passages that is searched by words, by meaning, or by both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genesys.errors import StoreError
from genesys_knowledge.passages import manifest as manifests
from genesys_knowledge.passages.guard import alone, telling
from genesys_knowledge.passages.manifest import Manifest
from genesys_knowledge.passages.passage import Mode, Passage, Progress, silent

if TYPE_CHECKING:
    from genesys_knowledge.passages.embedders import Embedder
    from genesys_knowledge.passages.table import PassageTable, Scored, Vectors

BATCH = 256  # passages of one commit
MOST_CHARACTERS = 4_000  # of a question
MOST_LOOSE = 1_000  # passages that are in no index; each costs a search 0.04 ms
LOOSE_SHARE = 0.2  # of all passages, while many are added: indexing takes the longer the more


class PassageStore:
    """Passages on disk. One process at a time adds; any number search.

    Args:
        folder: Of the store; made when something is added.
        embedder: Makes vectors of texts; without one, passages are found by their words alone.

    Raises:
        StoreError: The passages in the folder were embedded by another embedder.
    """

    def __init__(self, folder: Path, embedder: Embedder | None = None) -> None:
        self.folder, self._embedder = folder, embedder
        self._table: PassageTable | None = None
        self._known: Manifest | None = None
        self._opened()

    def __len__(self) -> int:
        table = self._opened()
        with telling("read", self.folder):
            return len(table) if table else 0

    def add(self, passages: Sequence[Passage], progress: Progress = silent) -> int:
        """Add passages, in place of those of the same ids; equal ones cost nothing.

        A process that is killed loses at most a batch; adding again goes on from there.

        Returns:
            How many were new or other than before.

        Raises:
            StoreError: The disk refuses, or the embedder's vectors have another dimension.
        """
        single = list({passage.id: passage for passage in passages}.values())
        if not single:
            return 0
        added = 0
        with alone(self.folder, progress):
            table = self._writable()
            for start in range(0, len(single), BATCH):
                added += self._put(table, single[start : start + BATCH])
                self._settle_beyond(table, max(MOST_LOOSE, len(table) * LOOSE_SHARE))
                progress("add passages", min(start + BATCH, len(single)), len(single))
            self._settle_beyond(table, MOST_LOOSE)
        return added

    def settle(self) -> None:
        """Make searches fast again after much was added.

        Raises:
            StoreError: The disk refuses.
        """
        with alone(self.folder), telling("write to", self.folder):
            self._writable().settle()

    def remove(self, document: str) -> None:
        """Remove the passages of a document.

        Raises:
            StoreError: The disk refuses.
        """
        with alone(self.folder), telling("write to", self.folder):
            self._writable().remove_document(document)

    def get(self, id: str) -> Passage | None:
        """The passage of an id.

        Raises:
            StoreError: The store cannot be read.
        """
        table = self._opened()
        with telling("read", self.folder):
            return next(iter(table.get([id])), None) if table else None

    def search(self, text: str, limit: int = 10, mode: Mode = Mode.HYBRID) -> Scored:
        """The passages that fit a text best, with scores in 0..1, the best first.

        By words the score grows with BM25, by meaning it is the cosine, and of both it is that of
        reciprocal rank fusion, 1 for what is first by both. Without an embedder all search is by
        words.

        Raises:
            StoreError: The store cannot be read, or was embedded by another embedder meanwhile.
        """
        asked = text.strip()[:MOST_CHARACTERS]
        table = self._opened()
        if not asked or not table or limit < 1:
            return []
        vector = self._embed([asked])[0] if self._embedder and mode is not Mode.TEXT else None
        with telling("read", self.folder):
            if vector is None:
                return table.by_text(asked, limit)
            if mode is Mode.VECTOR:
                return table.by_vector(vector, limit)
            return table.by_both(asked, vector, limit)

    def _put(self, table: PassageTable, batch: Sequence[Passage]) -> int:
        with telling("read", self.folder):
            changed = table.changed(batch)
        if not changed:
            return 0
        vectors = self._embed([p.content for p in changed]) if self._embedder else None
        with telling("write to", self.folder):
            table.put(changed, vectors)
        return len(changed)

    def _settle_beyond(self, table: PassageTable, most: float) -> None:
        with telling("write to", self.folder):
            if table.loose > most:
                table.settle()

    def _embed(self, texts: Sequence[str]) -> Vectors:
        assert self._embedder
        vectors = self._embedder.embed(texts)
        known = manifests.read(self.folder)
        if known and vectors.shape != (len(texts), known.dimension):
            raise StoreError(
                f"The embedder {self._embedder.name} gave vectors of {vectors.shape[-1]} numbers, "
                f"the passages in {self.folder} have {known.dimension}. "
                f"{_advice(known.embedder, self._embedder.name)}"
            )
        return vectors

    def _opened(self) -> PassageTable | None:
        """The table to search in; None where there is nothing."""
        known = manifests.read(self.folder)
        if not known:
            return None
        self._check(known)
        if self._table is None or self._known != known:
            with telling("read", self.folder):
                self._known, self._table = known, self._open(known, writable=False)
        return self._table

    def _writable(self) -> PassageTable:
        with telling("write to", self.folder):
            found = manifests.read(self.folder)
            known = found or manifests.of(self._embedder)
            self._check(known)
            self._known, self._table = known, self._open(known, writable=True)
            if not found:
                manifests.write(self.folder, known)
            return self._table

    def _open(self, known: Manifest, writable: bool) -> PassageTable:
        from genesys_knowledge.passages.table import PassageTable

        return PassageTable(self.folder, known.table, known.dimension, writable)

    def _check(self, known: Manifest) -> None:
        name = manifests.name_of(self._embedder)
        if known.embedder != name:
            raise StoreError(
                f"The passages in {self.folder} were embedded by {known.embedder!r}, and the "
                f"embedder is now {name!r}. {_advice(known.embedder, name)}"
            )


def _advice(was: str, name: str) -> str:
    """What to do where passages were embedded by another."""
    back = f"Set embedder: {was}, or embed" if was != name else "Embed"
    return f"{back} all passages anew: genesys library add --rebuild --embedder {name}"
