"""How much texts have in common: the cosine of their TF-IDF vectors."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

Vector = Mapping[str, float]


class Index:
    """Documents as vectors, made once, to be asked often.

    Words that are in every document weigh least, identifiers are split into their words, and
    words count as equal that have the same stem, e.g. "gates" and "gating".
    """

    def __init__(self, documents: Sequence[str]) -> None:
        counts = [Counter(stems(document)) for document in documents]
        self._weights = _weights(counts)
        self._vectors = [_vector(count, self._weights) for count in counts]

    def likeness(self, asked: str) -> list[float]:
        """How much each document has in common with a question, from 0 to 1."""
        if not self._weights:
            return [0.0] * len(self._vectors)
        wanted = _vector(Counter(stems(asked)), self._weights)
        return [_cosine(wanted, vector) for vector in self._vectors]


def stems(text: str) -> Iterator[str]:
    """The words of a text without their endings (Porter's English stemmer)."""
    return map(_stem, words(text))


def words(text: str) -> Iterator[str]:
    """Lower-case words; identifiers such as ``GatedMLP`` and ``num_heads`` are split."""
    for match in re.finditer(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", text):
        yield match.group().lower()


@lru_cache(maxsize=1 << 16)
def _stem(word: str) -> str:
    from snowballstemmer import stemmer

    # A stemmer of its own for each word: one is not safe to share between threads.
    return str(stemmer("english").stemWord(word))


def _weights(counts: Sequence[Counter[str]]) -> Vector:
    """Inverse document frequencies, smoothed so that a word in every document still counts."""
    frequency = Counter(word for count in counts for word in count)
    return {word: 1 + math.log((1 + len(counts)) / (1 + n)) for word, n in frequency.items()}


def _vector(count: Counter[str], weights: Vector) -> Vector:
    """Unit vector; words that no document has keep the greatest weight, so they cost score."""
    rare = max(weights.values(), default=0.0)
    raw = {word: (1 + math.log(n)) * weights.get(word, rare) for word, n in count.items()}
    norm = math.sqrt(sum(value * value for value in raw.values()))
    return {word: value / norm for word, value in raw.items()} if norm else {}


def _cosine(a: Vector, b: Vector) -> float:
    return min(1.0, sum(value * b.get(word, 0.0) for word, value in a.items()))
