"""Keeps out of the evaluation what also occurs in the training text."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

WINDOW = 16
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


class Overlap:
    """Finds runs of 16 tokens that occur in training.

    Args:
        train: All training tokens.
        tokenizer: Of the corpus.
    """

    def __init__(self, train: NDArray[Any], tokenizer: Tokenizer) -> None:
        self._seen = np.sort(windows(train))
        self._tokenizer = tokenizer

    def __call__(self, text: str) -> bool:
        """Whether any 16 tokens in a row of ``text`` also occur in training."""
        hashes = windows(np.array(self._tokenizer.encode(text).ids, dtype=np.uint32))
        if not hashes.size:
            return False
        places = np.searchsorted(self._seen, hashes).clip(max=max(self._seen.size - 1, 0))
        return bool(self._seen.size and np.any(self._seen[places] == hashes))


def windows(tokens: NDArray[Any], length: int = WINDOW) -> NDArray[np.uint64]:
    """Polynomial hash (modulo 2**64) of each run of so many tokens."""
    size = max(len(tokens) - length + 1, 0)
    total = np.zeros(size, dtype=np.uint64)
    for offset in range(length):
        total *= MULTIPLIER
        total += tokens[offset : offset + size]
    return total
