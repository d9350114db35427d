"""Batches of training tokens, in an order that only the seed decides."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SOME = 2**16


class Batches:
    """An iterable of batches of shape (B, L + 1), int64.

    Windows are laid over the text from a random offset and drawn without replacement; each pass
    over the text takes a new offset.

    Args:
        path: A file of tokens, or a folder of such shards; a window lies in one of them.
        steps: Number of batches.
        batch_size: B.
        length: L, in tokens.
        seed: Of the order.
        start: Batches to leave out.
        dtype: Of the tokens, ``uint16`` or ``uint32``.

    Raises:
        ValueError: No shard is as long as a window.
    """

    def __init__(
        self,
        path: Path,
        steps: int,
        batch_size: int,
        length: int,
        seed: int,
        start: int = 0,
        dtype: str = "uint16",
    ) -> None:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        # Plain arrays: indexing a memmap costs more than reading it.
        self._shards = [np.asarray(np.memmap(file, dtype=dtype, mode="r")) for file in files]
        self._ends = np.cumsum([len(shard) for shard in self._shards])
        if max(map(len, self._shards), default=0) <= length:
            raise ValueError(f"The training tokens in {path} are too few for {length} in a row.")
        self._steps, self._batch_size, self._length, self._seed = steps, batch_size, length, seed
        self._start = start

    def __len__(self) -> int:
        return self._steps - self._start

    def __iter__(self) -> Iterator[Tensor]:
        starts = self._starts(np.random.default_rng(self._seed))
        starts = islice(starts, self._start * self._batch_size, None)
        for _ in range(self._start, self._steps):
            chosen = np.fromiter(starts, dtype=np.int64, count=self._batch_size)
            yield torch.from_numpy(self._windows(chosen))

    def _starts(self, rng: np.random.Generator) -> Iterator[int]:
        while True:
            offset = int(rng.integers(self._length))
            windows = [
                np.arange(end - len(shard) + offset, end - self._length, self._length)
                for shard, end in zip(self._shards, self._ends, strict=True)
            ]
            order = rng.permutation(np.concatenate(windows))
            # A list of all of them would take five times the memory.
            for first in range(0, len(order), SOME):
                yield from order[first : first + SOME].tolist()

    def _windows(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Windows of shape (B, L + 1) that begin at places in all shards."""
        found = np.empty((len(starts), self._length + 1), dtype=np.int64)
        owners = np.searchsorted(self._ends, starts, side="right")
        for index in set(owners.tolist()):
            rows, shard = owners == index, self._shards[index]
            first = starts[rows] - (self._ends[index] - len(shard))
            found[rows] = shard[first[:, None] + np.arange(self._length + 1)]
        return found


def within(seconds: float, batches: Iterable[Tensor]) -> Iterator[Tensor]:
    """The batches up to the first that is asked for when so much wall time is over."""
    end = time.monotonic() + seconds
    for batch in batches:
        yield batch
        if time.monotonic() >= end:
            return
