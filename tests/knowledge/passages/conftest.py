"""A small embedder for tests, and passages to find."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pytest

from genesys_knowledge.passages.passage import Passage

TEXTS = {
    "Selective state spaces": "Gates that depend on the input decide what the state keeps.",
    "Attention": "Queries are compared with keys; the softmax weighs the values.",
    "Cooking": "Boil the noodles in salted water and drain them.",
}


class Hashing:
    """Counts words in buckets: alike texts have alike vectors."""

    def __init__(self, dimension: int = 64, name: str = "hashing") -> None:
        self.dimension, self.name, self.embedded = dimension, name, 0

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.embedded += len(texts)
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                bucket = int(hashlib.sha256(word.encode()).hexdigest(), 16) % self.dimension
                vectors[row, bucket] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


@pytest.fixture
def hashing() -> Hashing:
    return Hashing()


@pytest.fixture
def passages() -> list[Passage]:
    return [
        Passage(f"p{i}", f"d{i}", title, text, f"https://example.org/{i}")
        for i, (title, text) in enumerate(TEXTS.items())
    ]
