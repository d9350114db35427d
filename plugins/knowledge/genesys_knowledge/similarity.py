"""How much texts have in common: the cosine of their TF-IDF vectors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


class Index:
    """Documents as vectors, made once, to be asked often; more can be added.

    Words that are in every document weigh least, identifiers are split into their words, and
    words count as equal that have the same stem, e.g. "gates" and "gating".
    """

    def __init__(self, documents: Iterable[str] = ()) -> None:
        self._numbers: dict[str, int] = {}  # of words
        self._counts: list[_Counts] = []
        self._documents = 0
        self._vectors: _Vectors | None = None
        self.add(documents)

    def add(self, documents: Iterable[str]) -> None:
        """Take in more documents, behind those that are there."""
        for document in documents:
            counts = Counter(stems(document))
            numbers = [self._numbers.setdefault(word, len(self._numbers)) for word in counts]
            rows = np.full(len(numbers), self._documents)
            self._counts.append(_Counts(rows, np.array(numbers, int), _damped(counts.values())))
            self._documents += 1
            self._vectors = None

    def likeness(self, asked: str) -> list[float]:
        """How much each document has in common with a question, from 0 to 1."""
        counts = Counter(stems(asked))
        if not counts or not self._documents:
            return [0.0] * self._documents
        if self._vectors is None:
            self._vectors = self._weighed()
        vectors = self._vectors
        # Words that no document has keep the greatest weight, so they cost score.
        weights = np.append(vectors.weights, vectors.weights.max(initial=0.0))
        numbers = np.array([self._numbers.get(word, -1) for word in counts])
        values = _damped(counts.values()) * weights[numbers]
        wanted = np.zeros(len(weights))
        wanted[numbers] = values / (np.linalg.norm(values) or 1.0)
        shared = vectors.values * wanted[vectors.entries.words]
        scores = np.bincount(vectors.entries.rows, shared, self._documents)
        likeness: list[float] = scores.clip(0.0, 1.0).tolist()
        return likeness

    def _weighed(self) -> _Vectors:
        """The vectors: weights hang off all documents, so they change whenever one is added."""
        entries = _Counts(*(np.concatenate(parts) for parts in zip(*self._counts, strict=True)))
        self._counts = [entries]
        frequencies = np.bincount(entries.words, minlength=len(self._numbers))
        weights = 1 + np.log((1 + self._documents) / (1 + frequencies))
        values = entries.counts * weights[entries.words]
        norms = np.sqrt(np.bincount(entries.rows, values**2, self._documents))
        return _Vectors(entries, weights, values / norms[entries.rows])


class _Counts(NamedTuple):
    """An entry for each word of each document: its row, the word's number, 1 + log of the count."""

    rows: NDArray[np.int_]
    words: NDArray[np.int_]
    counts: NDArray[np.float64]


class _Vectors(NamedTuple):
    """Unit vectors: a value for each entry, and what each word weighs."""

    entries: _Counts
    weights: NDArray[np.float64]
    values: NDArray[np.float64]


def stems(text: str) -> Iterator[str]:
    """The words of a text without their endings (Porter's English stemmer)."""
    return map(_stem, words(text))


def words(text: str) -> Iterator[str]:
    """Lower-case words; identifiers such as ``GatedMLP`` and ``num_heads`` are split."""
    for match in _WORD.finditer(text):
        yield match.group().lower()


@lru_cache(maxsize=1 << 16)
def _stem(word: str) -> str:
    from snowballstemmer import stemmer

    # A stemmer of its own for each word: one is not safe to share between threads.
    return str(stemmer("english").stemWord(word))


def _damped(counts: Iterable[int]) -> NDArray[np.float64]:
    damped: NDArray[np.float64] = np.log(np.fromiter(counts, float)) + 1.0
    return damped
