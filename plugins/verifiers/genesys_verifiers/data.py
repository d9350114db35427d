"""Batches of training tokens, in an order that only the seed decides."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor


class Batches:
    """An iterable of batches of shape (B, L + 1), int64.

    Windows are laid over the text from a random offset and drawn without replacement; each pass
    over the text takes a new offset.

    Args:
        path: Tokens as uint16.
        steps: Number of batches.
        batch_size: B.
        length: L, in tokens.
        seed: Of the order.
        start: Batches to leave out.
    """

    def __init__(
        self, path: Path, steps: int, batch_size: int, length: int, seed: int, start: int = 0
    ) -> None:
        self._tokens = np.memmap(path, dtype=np.uint16, mode="r")
        self._steps, self._batch_size, self._length, self._seed = steps, batch_size, length, seed
        self._start = start

    def __len__(self) -> int:
        return self._steps - self._start

    def __iter__(self) -> Iterator[Tensor]:
        starts = self._starts(np.random.default_rng(self._seed))
        starts = islice(starts, self._start * self._batch_size, None)
        span = np.arange(self._length + 1)
        for _ in range(self._start, self._steps):
            chosen = np.fromiter(starts, dtype=np.int64, count=self._batch_size)
            yield torch.from_numpy(self._tokens[chosen[:, None] + span].astype(np.int64))

    def _starts(self, rng: np.random.Generator) -> Iterator[int]:
        while True:
            offset = int(rng.integers(self._length))
            windows = np.arange(offset, len(self._tokens) - self._length, self._length)
            yield from rng.permutation(windows).tolist()


def within(seconds: float, batches: Iterable[Tensor]) -> Iterator[Tensor]:
    """The batches up to the first that is asked for when so much wall time is over."""
    end = time.monotonic() + seconds
    for batch in batches:
        yield batch
        if time.monotonic() >= end:
            return
