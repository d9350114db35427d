"""Finds items of an evaluation whose text occurs in the training text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from genesys.files import whole
from genesys.resources import cache_root
from genesys_verifiers.corpus import Corpus
from genesys_verifiers.corpus.built import MANIFEST
from genesys_verifiers.evaluation.exam import Exam
from genesys_verifiers.evaluation.plan import Array, Tokens
from genesys_verifiers.evaluation.requests import Planner
from genesys_verifiers.settings import token_type
from genesys_verifiers.tasks.overlap import MULTIPLIER, WINDOW, windows

# An item with fewer tokens than a window counts if all of it occurs, from this length on.
SHORTEST = 8
CHUNK = 2**17  # tokens of training at a time: what stays in a processor's cache
TABLE_BITS = 24


def overlapping(exams: Sequence[Exam], corpus: Corpus, planner: Planner) -> list[Array]:
    """Of each exam, which of its items have text that occurs in training.

    What was found for a corpus is kept in the cache, since a large one takes hours to read.
    """
    texts = [item for exam in exams for item in exam.texts]
    tokens = planner.encode(text for item in texts for text in item)
    contamination = Contamination([[tokens[text] for text in item] for item in texts])
    kept = cache_root() / "overlaps" / f"{contamination.key(corpus)}.npy"
    if kept.is_file():
        found = np.load(kept)
    else:
        found = contamination(pieces(corpus.train_files, corpus.vocab_size))
        with suppress(OSError):
            kept.parent.mkdir(parents=True, exist_ok=True)
            with whole(kept) as path, path.open("wb") as file:
                np.save(file, found)
    return np.split(found, np.cumsum([len(exam.items) for exam in exams])[:-1])


class Contamination:
    """Which items have a run of 16 tokens that occurs in the training text.

    The hashes of the items' runs are kept, and the training text, which may be far larger than
    memory, passes by once.

    Args:
        items: Of each item, the tokens of its texts.
    """

    def __init__(self, items: Sequence[Iterable[Tokens]]) -> None:
        runs: dict[int, list[Array]] = {}
        owners: dict[int, list[Array]] = {}
        for index, texts in enumerate(items):
            for tokens in texts:
                length = min(len(tokens), WINDOW)
                if length >= SHORTEST:
                    found = windows(np.array(tokens, dtype=np.uint32), length)
                    runs.setdefault(length, []).append(found)
                    owners.setdefault(length, []).append(np.full(len(found), index))
        self._count = len(items)
        self._known = {n: np.concatenate(found) for n, found in runs.items()}
        self._owners = {n: np.concatenate(found) for n, found in owners.items()}

    def key(self, corpus: Corpus) -> str:
        """The same for the same items and training text."""
        digest = hashlib.blake2b((corpus.folder / MANIFEST).read_bytes(), digest_size=8)
        for length in sorted(self._known):
            digest.update(self._known[length].tobytes() + self._owners[length].tobytes())
        return digest.hexdigest()

    def __call__(self, train: Iterable[Array]) -> Array:
        """Whether each item occurs, of shape (items,).

        Args:
            train: Pieces of the training tokens.
        """
        lookups = {length: _Lookup(known) for length, known in self._known.items()}
        for piece in train:
            for length, hashes in _growing(piece):
                if length in lookups:
                    lookups[length].see(hashes)
        found = np.zeros(self._count, dtype=bool)
        for length, lookup in lookups.items():
            found[self._owners[length][lookup.seen(self._known[length])]] = True
        return found


class _Lookup:
    """Remembers which of some hashes came by.

    A table of bits turns away nearly all others before the search.
    """

    def __init__(self, known: Array) -> None:
        self._known = np.unique(known)
        self._table = np.zeros(2**TABLE_BITS, dtype=bool)
        self._table[_top(self._known)] = True
        self._seen = np.zeros(len(self._known), dtype=bool)

    def see(self, hashes: Array) -> None:
        some = hashes[self._table[_top(hashes)]]
        places = np.searchsorted(self._known, some).clip(max=len(self._known) - 1)
        self._seen[places[self._known[places] == some]] = True

    def seen(self, hashes: Array) -> Array:
        found: Array = self._seen[np.searchsorted(self._known, hashes)]
        return found


def pieces(files: Iterable[Path], vocab_size: int) -> Iterator[Array]:
    """Training tokens from shards, a few at a time; neighbours share a window less one token."""
    for file in files:
        tokens = np.memmap(file, dtype=token_type(vocab_size), mode="r")
        for start in range(0, len(tokens), CHUNK):
            yield tokens[start : start + CHUNK + WINDOW - 1]


def _growing(tokens: Array) -> Iterator[tuple[int, Array]]:
    """What ``windows`` gives for each length up to WINDOW; each grows out of the one before."""
    whole = tokens.astype(np.uint64)
    total = np.zeros_like(whole)
    for length in range(1, min(WINDOW, len(tokens)) + 1):
        total = total[: len(tokens) - length + 1]
        total *= MULTIPLIER
        total += whole[length - 1 :]
        yield length, total


def _top(hashes: Array) -> Any:
    return hashes >> np.uint64(64 - TABLE_BITS)
