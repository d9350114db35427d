"""A file in a guest whose bytes go out through its channel, as it may write no other."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np

PIECE = 2**24  # bytes


class Pieces(io.RawIOBase):
    """Emits what is written to it, as events with the array ``piece``.

    Args:
        emit: Takes the events.
    """

    def __init__(self, emit: Callable[[dict[str, Any]], None]) -> None:
        self._emit = emit

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Emit bytes."""
        everything = np.frombuffer(data, np.uint8)
        for start in range(0, everything.size, PIECE):
            self._emit({"piece": everything[start : start + PIECE]})
        return everything.size


def buffered(emit: Callable[[dict[str, Any]], None]) -> io.BufferedWriter:
    """The same for many small writes."""
    return io.BufferedWriter(Pieces(emit), PIECE)
