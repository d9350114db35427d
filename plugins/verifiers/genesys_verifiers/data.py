"""Batches of training tokens, in an order that only the seed decides."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


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
        # Plain arrays: slicing a memmap costs more than reading it.
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
            yield torch.from_numpy(np.stack([self._window(at) for at in chosen]).astype(np.int64))

    def _starts(self, rng: np.random.Generator) -> Iterator[int]:
        while True:
            offset = int(rng.integers(self._length))
            windows = [
                np.arange(end - len(shard) + offset, end - self._length, self._length)
                for shard, end in zip(self._shards, self._ends, strict=True)
            ]
            yield from rng.permutation(np.concatenate(windows)).tolist()

    def _window(self, start: int) -> NDArray[Any]:
        """Tokens from a place in all shards on."""
        index = int(np.searchsorted(self._ends, start, side="right"))
        shard = self._shards[index]
        first = start - int(self._ends[index]) + len(shard)
        return shard[first : first + self._length + 1]


def within(seconds: float, batches: Iterable[Tensor]) -> Iterator[Tensor]:
    """The batches up to the first that is asked for when so much wall time is over."""
    end = time.monotonic() + seconds
    for batch in batches:
        yield batch
        if time.monotonic() >= end:
            return
