"""Papers of a person's own, which stand beside the library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genesys.records import Finding, Query
from genesys_knowledge.papers.collection import PaperStore, default_folder
from genesys_knowledge.passages import manifest
from genesys_knowledge.passages.embedders import open_embedder
from genesys_knowledge.passages.passage import Mode, Progress

if TYPE_CHECKING:
    from genesys_knowledge.papers.adding import Added


def embedder_of(folder: Path) -> str:
    """By whom the passages of a store were embedded; ``none`` where there is no store.

    Raises:
        StoreError: The store cannot be read.
    """
    known = manifest.read(folder)
    return known.embedder if known else manifest.NO_EMBEDDER


def search_papers(query: Query, mode: Mode, folder: Path | None = None) -> list[Finding]:
    """What a person's papers answer; nothing where there are none.

    Raises:
        GenesysError: The store cannot be searched.
    """
    from genesys_knowledge.papers.papers import PapersKnowledge

    folder = folder or default_folder()
    if not manifest.read(folder):
        return []
    papers = PapersKnowledge(str(folder), embedder_of(folder), mode.value, cutoff=0)
    found: list[Finding] = papers.search(query)
    return found


def add_papers(
    sources: Sequence[str],
    progress: Progress,
    folder: Path | None = None,
    embedder: str = "",
    rebuild: bool = False,
    most_mb: float = 100,
) -> Iterator[Added]:
    """Add papers to a person's store, and tell of each what became of it.

    Args:
        sources: Files, folders, arXiv identifiers or addresses.
        progress: Told of stages.
        folder: Of the store; the user's if not given.
        embedder: Of the store; the one that it has if not given.
        rebuild: First embed what is there by this embedder.
        most_mb: Larger files are not read.

    Raises:
        StoreError: The store has another embedder, or the disk refuses.
        GenesysError: The embedder fails, or an extra is not installed.
    """
    from genesys_knowledge.papers.adding import add
    from genesys_knowledge.passages.rebuild import rebuild as embed_anew

    folder = (folder or default_folder()).expanduser()
    chosen = open_embedder(embedder or embedder_of(folder))
    if rebuild:
        embed_anew(folder, chosen, progress)
    yield from add(sources, PaperStore(folder, chosen), progress, most_mb)


def counts(folder: Path | None = None) -> dict[str, Any]:
    """How many papers and passages there are, and by whom they were embedded.

    Raises:
        StoreError: The store cannot be read.
    """
    folder = folder or default_folder()
    name = embedder_of(folder)
    if not manifest.read(folder):
        return {"papers": 0, "passages": 0, "embedder": name}
    store = PaperStore(folder, open_embedder(name))
    return {"papers": len(store.papers()), "passages": len(store.passages), "embedder": name}
