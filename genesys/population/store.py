"""LanceDB tables of records. The only module that imports the database; load it when needed."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar

import lancedb
import pyarrow as pa

from genesys.population.schema import arrow_schema, from_row, to_row
from genesys.records import Record

R = TypeVar("R", bound=Record)

# Every append leaves a version behind; beyond this many the table is compacted when it is opened.
MAX_VERSIONS = 500


class RecordTable(Generic[R]):
    """One kind of record in one table. An append is one commit: all of it or nothing.

    Args:
        folder: Of the database.
        name: Of the table; when ``writable`` an absent one is created, and an earlier release's
            gets the fields that it lacks.
        record: What its rows are.
        writable: Whether anything but reading is allowed.

    Raises:
        OSError, RuntimeError, ValueError: What the database answers; see ``files.storing``.
    """

    def __init__(self, folder: Path, name: str, record: type[R], writable: bool) -> None:
        self._record = record
        self._schema = arrow_schema(record)
        database: Any = lancedb.connect(folder)
        if not writable:
            self._table = database.open_table(name)
            go_back(self._table)
            return
        if name in database:
            self._table = database.open_table(name)
        else:
            self._table = database.create_table(name, schema=self._schema)
        if go_back(self._table):
            self._table.restore()
        if self._table.schema != self._schema:
            rows = pa.Table.from_pylist([to_row(r) for r in self.read()], schema=self._schema)
            self._table = database.create_table(name, rows, mode="overwrite")
        if self._table.version > MAX_VERSIONS:
            # Readers that opened the table within the last hour keep what they see.
            self._table.optimize(cleanup_older_than=timedelta(hours=1))

    def append(self, record: R) -> None:
        """Commit one record, and see that the disk has it.

        A full disk may keep a part of a record and tell nobody, and the table could not be read.
        """
        before = self._table.version
        self._table.add(pa.Table.from_pylist([to_row(record)], schema=self._schema))
        if not _whole(self._table):
            self._table.restore(before)
            raise OSError(errno.ENOSPC, "The disk kept only a part of what was written")

    def read(self, where: str | None = None) -> list[R]:
        """The records that fulfil a condition, or all, in the order they were committed in."""
        rows = self._table.search().where(where).to_arrow() if where else self._table.to_arrow()
        return [from_row(self._record, row) for row in rows.to_pylist()]

    def columns(self, names: Sequence[str]) -> pa.Table:
        """Some fields of all records, in their order; the others are not read."""
        return self._table.search().select(list(names)).to_arrow().select(list(names))

    def column(self, name: str) -> list[Any]:
        """The values of one field, in the order of the records."""
        values: list[Any] = self.columns([name])[name].to_pylist()
        return values

    def delete_index(self, index: int) -> None:
        """Remove the record of that ``index``."""
        self._table.delete(f"index = {index}")


def go_back(table: Any) -> bool:
    """Go to the last version that can be read, and tell whether it is not the latest."""
    latest: int = table.version
    for version in range(latest, 0, -1):
        if version < latest:
            table.checkout(version)
        if _whole(table):
            return version < latest
    return False  # what cannot be read at all is told when it is read


def _whole(table: Any) -> bool:
    """Whether the last row can be read: those before it could, when it was written."""
    try:
        rows = table.count_rows()
        if rows:
            table.search().offset(rows - 1).limit(1).to_arrow()
        return True
    except (OSError, RuntimeError, ValueError):
        return False
