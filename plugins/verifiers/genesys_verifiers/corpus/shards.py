"""The third stage: training documents as tokens, in files of bounded size."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from genesys.files import whole
from genesys_verifiers.corpus.documents import Document
from genesys_verifiers.corpus.extract import labelled, overlaps
from genesys_verifiers.corpus.splits import TRAIN, Labels
from genesys_verifiers.settings import token_type

BATCH = 512  # documents
Counts = dict[str, Counter[str]]


def notes_file(staged: Path, index: int) -> Path:
    """Counts of a part; written last, so its being there says that the part is done."""
    return staged / f"tokens-{index:05}.json"


def fingerprints_file(staged: Path) -> Path:
    """Fingerprints of everything that is held out."""
    return staged / "held_out.npy"


def encode(
    staged: Path,
    index: int,
    labels: Labels,
    tokenizer_file: Path,
    end: int,
    shard_bytes: float,
    train: Path,
) -> None:
    """Write the tokens of a part's training documents, each followed by the end-of-text token.

    Documents that overlap with held-out ones are left out. No document is cut in two.

    Args:
        staged: Folder of staged parts, with the fingerprints of what is held out.
        index: Of the part.
        labels: Of its documents.
        tokenizer_file: The tokenizer.
        end: The token that ends a document.
        shard_bytes: Size at which the next file is begun.
        train: Folder of the shards.
    """
    known = np.load(fingerprints_file(staged))
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    overlapping = 0

    def fresh() -> Iterator[Document]:
        nonlocal overlapping
        for document in labelled(staged, index, labels, TRAIN):
            if overlaps(document, known):
                overlapping += 1
            else:
                yield document

    pieces = _tokens(fresh(), Tokenizer.from_file(str(tokenizer_file)), end, kinds)
    _write(pieces, shard_bytes, train, f"{index:05}")
    with whole(notes_file(staged, index)) as path:
        path.write_text(json.dumps({"kinds": kinds, "overlapping": overlapping}), encoding="utf-8")


def counted(staged: Path, count: int) -> dict[str, Any]:
    """Documents, bytes and tokens by kind, and the number of overlapping documents."""
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    overlapping = 0
    for index in range(count):
        notes = json.loads(notes_file(staged, index).read_text(encoding="utf-8"))
        overlapping += notes["overlapping"]
        for kind, numbers in notes["kinds"].items():
            kinds[kind].update(numbers)
    return {
        "kinds": {kind: dict(kinds[kind]) for kind in sorted(kinds)},
        "overlapping": overlapping,
    }


def _tokens(
    documents: Iterator[Document], tokenizer: Tokenizer, end: int, kinds: dict[str, Counter[str]]
) -> Iterator[NDArray[Any]]:
    dtype = np.dtype(token_type(tokenizer.get_vocab_size()))
    while batch := list(islice(documents, BATCH)):
        texts = [document.text for document in batch]
        encoded = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        for document, one in zip(batch, encoded, strict=True):
            size = len(document.text.encode())
            kinds[document.kind].update(documents=1, bytes=size, tokens=len(one.ids) + 1)
        yield np.concatenate([np.array([*one.ids, end], dtype=dtype) for one in encoded])


def _write(pieces: Iterator[NDArray[Any]], shard_bytes: float, folder: Path, name: str) -> None:
    with ExitStack() as stack:
        number, room = 0, 0.0
        for piece in pieces:
            if room <= 0:
                stack.close()
                path = stack.enter_context(whole(folder / f"{name}-{number:03}.bin"))
                file = stack.enter_context(path.open("wb"))
                number, room = number + 1, shard_bytes
            file.write(piece.data)
            room -= piece.nbytes
