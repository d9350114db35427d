"""The second stage: held-out documents, and a sample of the training documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genesys.files import whole
from genesys_verifiers.corpus import staging
from genesys_verifiers.corpus.documents import Document, digest_of
from genesys_verifiers.corpus.splits import NAMES, TRAIN, Labels

# A line this long that stands in two documents was copied.
LONG_LINE = 200


def sample_file(staged: Path, index: int) -> Path:
    """Training documents of a part that are in the sample."""
    return staged / f"sample-{index:05}.parquet"


def extract(staged: Path, index: int, labels: Labels, share: float, held_out: Path) -> None:
    """Write the held-out documents of a part, and a sample of those that train.

    Args:
        staged: Folder of staged parts; the sample goes there, too.
        index: Of the part.
        labels: Of its documents.
        share: Of the training documents that is the sample, picked by digits of their hashes
            that have no part in the order of the splits.
        held_out: Folder of the held-out documents.
    """
    for name, value in NAMES.items():
        if value == TRAIN:
            chosen = labelled(staged, index, labels, value)
            sample = (d for d in chosen if int(d.digest[8:16], 16) < share * 2**32)
            _write(sample_file(staged, index), sample)
        elif np.any(labels == value):
            chosen = labelled(staged, index, labels, value)
            _write(held_out / f"{name}-{index:05}.parquet", chosen)


def labelled(staged: Path, index: int, labels: Labels, value: int) -> Iterator[Document]:
    """Documents of a part that have a label."""
    documents = staging.read(staging.documents_file(staged, index))
    return (d for d, own in zip(documents, labels, strict=True) if own == value)


def fingerprints(documents: Iterable[Document]) -> NDArray[np.uint64]:
    """Sorted hashes of whole documents and of their long lines."""
    hashes = {value for document in documents for value in _hashes(document.text)}
    return np.array(sorted(hashes), dtype=np.uint64)


def overlaps(document: Document, known: NDArray[np.uint64]) -> bool:
    """Whether a document, or a long line of it, is among the fingerprints."""
    if not known.size:
        return False
    hashes = np.array(list(_hashes(document.text)), dtype=np.uint64)
    places = np.searchsorted(known, hashes).clip(max=known.size - 1)
    return bool(np.any(known[places] == hashes))


def _hashes(text: str) -> Iterator[int]:
    yield int(digest_of(text.strip())[:16], 16)
    for line in text.splitlines():
        if len(line) >= LONG_LINE:
            yield int(digest_of(line.strip())[:16], 16)


def _write(path: Path, documents: Iterator[Document]) -> None:
    with whole(path) as unfinished:
        staging.write(unfinished, documents)
