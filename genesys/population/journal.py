"""The journal of a table: what is committed and not in the table yet, a line of JSON a record.

A commit of a table takes some ten milliseconds, and more the more there were, since each leaves a
file and a version behind. A line and its sync take less than one. So records are committed to the
journal, and go into the table many at a time.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import ValidationError

from genesys.errors import StoreError
from genesys.records import Record, first_problem

R = TypeVar("R", bound=Record)


class Journal(Generic[R]):
    """The lines of one table, in files named after the row that their first record will be.

    Args:
        folder: Of the database.
        name: Of the table.
        record: What its rows are.

    Attributes:
        size: Bytes of the file that is appended to.
    """

    def __init__(self, folder: Path, name: str, record: type[R]) -> None:
        self._folder, self._name, self._record = folder, name, record
        self.size = 0
        self._open: Path | None = None

    def read(self) -> list[tuple[int, R]]:
        """The records with the rows that they will be, in their order.

        A line that has no end is what a killed process left of one it had not committed.

        Raises:
            OSError: The disk refuses.
            StoreError: A line is no such record.
        """
        found: list[tuple[int, R]] = []
        for first, path in self._files():
            try:
                text = path.read_bytes()
            except FileNotFoundError:
                continue  # its records went into the table just now
            lines = text[: text.rfind(b"\n") + 1].splitlines()
            found += [(first + i, self._parsed(path, i, line)) for i, line in enumerate(lines)]
        return found

    def append(self, record: R, row: int) -> None:
        """Commit a record that will be a row.

        Raises:
            OSError: The disk refuses. The journal is as it was.
        """
        if self._open is None:
            self._open, self.size = self._path(row), 0
        line = record.model_dump_json().encode() + b"\n"
        file = os.open(self._open, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.ftruncate(file, self.size)
            try:
                left, end = memoryview(line), self.size
                while left:
                    written = os.pwrite(file, left, end)
                    left, end = left[written:], end + written
                os.fsync(file)
            except OSError:
                os.ftruncate(file, self.size)
                raise
        finally:
            os.close(file)
        if not self.size:
            sync_folder(self._folder)
        self.size = end

    def clear(self) -> None:
        """Drop all records: they are in the table, and that is on the disk.

        Raises:
            OSError: The disk refuses.
        """
        for _, path in self._files():
            path.unlink()
        self._open, self.size = None, 0

    def _files(self) -> list[tuple[int, Path]]:
        paths = self._folder.glob(f"{self._name}.*.jsonl")
        return sorted((int(path.name.split(".")[-2]), path) for path in paths)

    def _path(self, row: int) -> Path:
        return self._folder / f"{self._name}.{row}.jsonl"

    def _parsed(self, path: Path, place: int, line: bytes) -> R:
        try:
            return self._record.model_validate_json(line)
        except ValidationError as error:
            raise StoreError(
                f"{path}, line {place + 1} is none of the table's {self._record.__name__}s: "
                f"{first_problem(error)}. The file is written by Genesys alone; restore it from a "
                "copy."
            ) from None


def sync_folder(folder: Path) -> None:
    """See that the disk has a folder's entries.

    Raises:
        OSError: The disk refuses.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
