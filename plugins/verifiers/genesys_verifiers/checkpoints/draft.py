"""Files that appear whole or not at all, also when the machine loses power."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

Piece = bytes | np.ndarray[Any, Any]


class Draft:
    """What is to become a file; use it as a context manager.

    Args:
        path: Of the file; its folder must exist.

    Attributes:
        size: Bytes so far.

    Raises:
        OSError: The disk refuses. The file is as it was.
    """

    def __init__(self, path: Path) -> None:
        self.size = 0
        self._path, self._hash = path, hashlib.sha256()
        self._draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")

    def __enter__(self) -> Draft:
        self._file = self._draft.open("wb", buffering=0)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._draft.unlink(missing_ok=True)

    def write(self, piece: Piece) -> None:
        """Write more."""
        left = memoryview(piece) if isinstance(piece, bytes) else piece.data
        self._hash.update(left)
        self.size += left.nbytes
        while left:
            left = left[self._file.write(left) :]

    def commit(self) -> str:
        """Make it the file, and give its SHA-256."""
        os.fsync(self._file.fileno())
        self._draft.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return self._hash.hexdigest()


def write_file(path: Path, pieces: Iterable[Piece]) -> str:
    """Write a file in one step, and give its SHA-256.

    Raises:
        OSError: The disk refuses. The file is as it was.
    """
    with Draft(path) as draft:
        for piece in pieces:
            draft.write(piece)
        return draft.commit()


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
