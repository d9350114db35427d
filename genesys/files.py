"""Files that appear whole or not at all, also when the machine loses power."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
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
        self._draft = _draft_of(path)

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
        _settle(self._draft, self._path)
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


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step.

    Raises:
        OSError: The disk refuses. The file is as it was.
    """
    write_file(path, [text.encode()])


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give the path of a file that takes the place of ``path`` once it is whole.

    Raises:
        OSError: The disk refuses. The file is as it was.
    """
    draft = _draft_of(path)
    try:
        yield draft
        _settle(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _draft_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{get_ident()}.tmp")


def _settle(draft: Path, path: Path) -> None:
    """Put a finished draft in the place of a file, on the disk and not just in its cache."""
    for done in (draft, path.parent):
        descriptor = os.open(done, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if done is draft:
            draft.replace(path)
