"""All passages of a store, embedded anew."""

from __future__ import annotations

from pathlib import Path

from genesys_knowledge.passages import manifest as manifests
from genesys_knowledge.passages.embedders import Embedder
from genesys_knowledge.passages.guard import alone, telling
from genesys_knowledge.passages.passage import Progress, silent
from genesys_knowledge.passages.store import BATCH, PassageStore


def rebuild(folder: Path, embedder: Embedder | None, progress: Progress = silent) -> PassageStore:
    """Embed what a store holds by another embedder, and give the store.

    The old vectors serve until all are made. A process that is killed goes on where it was.

    Raises:
        StoreError: The disk refuses, or the store cannot be read.
        GenesysError: What the embedder answers.
    """
    from genesys_knowledge.passages.table import PassageTable, drop

    old = manifests.read(folder)
    new = manifests.of(embedder)
    if old is None or old == new:
        return PassageStore(folder, embedder)
    with alone(folder, progress), telling("embed anew", folder):
        source = PassageTable(folder, old.table, old.dimension, writable=True)
        target = PassageTable(folder, new.table, new.dimension, writable=True)
        target.remove(sorted(target.ids() - source.ids()))
        done, total = 0, len(source)
        for batch in source.batches(BATCH):
            if changed := target.changed(batch):
                texts = [passage.content for passage in changed]
                target.put(changed, embedder.embed(texts) if embedder else None)
            done += len(batch)
            progress("embed passages anew", done, total)
        target.settle()
        manifests.write(folder, new)
        drop(folder, old.table)
    return PassageStore(folder, embedder)
