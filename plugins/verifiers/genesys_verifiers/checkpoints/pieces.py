"""Bytes in pieces that a channel takes, and a file in a guest that goes out through it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
PIECE = 2**24  # bytes


def cut(data: Any) -> list[Array]:
    """Bytes as arrays of at most ``PIECE``; none of nothing."""
    everything = np.frombuffer(data, np.uint8)
    return [everything[start : start + PIECE] for start in range(0, everything.size, PIECE)]


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
        pieces = cut(data)
        for piece in pieces:
            self._emit({"piece": piece})
        return sum(piece.size for piece in pieces)


def buffered(emit: Callable[[dict[str, Any]], None]) -> io.BufferedWriter:
    """The same for many small writes."""
    return io.BufferedWriter(Pieces(emit), PIECE)
