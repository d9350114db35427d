"""LanceDB tables of records. The only module that imports the database; load it when needed."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Generic, TypeVar

import lancedb
import pyarrow as pa

from genesys.errors import StoreError
from genesys.population.files import storing
from genesys.population.journal import Journal, sync_folder
from genesys.population.schema import arrow_schema, from_row, to_row
from genesys.population.unread import unread
from genesys.records import Record

R = TypeVar("R", bound=Record)
Derived = Mapping[str, tuple[Sequence[str], Callable[[pa.RecordBatch], list[Any]]]]

# So many records, or so many bytes of them, go from the journal into the table at a time.
ROWS, BYTES = 512, 16_000_000
# So many rows are read at a time, where one is asked for.
BLOCK = 128
# A table in more pieces than that is compacted when it is opened.
MAX_FRAGMENTS = 1000


class RecordTable(Generic[R]):
    """One kind of record in one table. An append is one commit: all of it or nothing.

    What is appended is a line in the table's journal at first; see :mod:`.journal`.

    Args:
        folder: Of the database.
        name: Of the table; when ``writable`` an absent one is created, and an earlier release's
            gets the fields that it lacks.
        record: What its rows are.
        writable: Whether anything but reading is allowed.

    Attributes:
        recovered: The last so many records were in the journal when the table was opened: whoever
            wrote them has not closed it, and may have been killed.

    Raises:
        OSError, RuntimeError, ValueError: What the database answers; see ``files.storing``.
        StoreError: The journal is damaged.
    """

    def __init__(self, folder: Path, name: str, record: type[R], writable: bool) -> None:
        self._record = record
        self._schema = arrow_schema(record)
        self._path = folder / f"{name}.lance"
        self._journal = Journal(folder, name, record)
        database: Any = lancedb.connect(folder)
        # Before the table: what leaves the journal meanwhile is in the table then.
        journal = self._journal.read()
        if writable:
            self._open(database, name)
        else:
            self._table = database.open_table(name)
            go_back(self._table)
        self._rows: int = self._table.count_rows()  # without those of the journal
        self._half_written = False
        self._pending = [self._row(kept) for row, kept in journal if row >= self._rows]
        self.recovered = len(self._pending)
        if writable:
            self.settle()

    def append(self, record: R) -> None:
        """Commit one record."""
        if len(self._pending) >= ROWS or self._journal.size >= BYTES:
            self.settle()
        row = self._row(record)
        self._journal.append(record, self._rows + len(self._pending))
        self._pending.append(row)

    def extend(self, records: Sequence[R]) -> None:
        """Add many records past the journal; whoever is killed meanwhile has added some."""
        self.settle()
        for first in range(0, len(records), ROWS):
            self._pending = [self._row(record) for record in records[first : first + ROWS]]
            self.settle()

    def settle(self) -> None:
        """Put what is in the journal into the table, and see that the disk has it.

        A full disk may keep a part of a row and tell nobody, and the table could not be read.
        """
        if self._half_written:
            raise OSError(errno.EIO, "What was written before is in doubt until a new start")
        self._half_written = True
        if self._pending:
            before, known = self._table.version, self._files()
            self._table.add(pa.concat_tables(self._pending).combine_chunks())
            if not _whole(self._table, len(self._pending)):
                self._table.restore(before)
                raise OSError(errno.ENOSPC, "The disk kept only a part of what was written")
            self._sync(self._files() - known)
            self._rows += len(self._pending)
            self._pending = []
        self._journal.clear()
        self._half_written = False

    def read(self, **equal: int) -> list[R]:
        """The records that have these values, or all, in the order they were committed in."""
        where = " and ".join(f"{name} = {value}" for name, value in equal.items())
        table = self._table.search().where(where).to_arrow() if where else self._table.to_arrow()
        rows = [row for part in (table, *self._pending) for row in part.to_pylist()]
        return [
            from_row(self._record, row)
            for row in rows
            if all(row[name] == value for name, value in equal.items())
        ]

    def skim(self, light: Sequence[str], derived: Derived | None = None) -> list[R]:
        """All records, in their order; their other fields are read once they are asked for.

        Args:
            light: Fields that are read at once, of strings, numbers, enums or lists of strings.
            derived: Properties that are computed for all rows when one is asked for it, each with
                the columns that it takes and a function from rows to its values.
        """
        if not set(light) <= set(self._table.schema.names):
            return self.read()
        table = self._table.search().select(list(light)).to_arrow()
        derived = derived or {}
        columns = [self._values(name, table[name].to_pylist()) for name in light]
        rows = _Rows(self._table, self._record, self._path, light, derived)
        found = unread(self._record, light, columns, rows, derived)
        return found + [from_row(self._record, part.to_pylist()[0]) for part in self._pending]

    def columns(self, names: Sequence[str]) -> pa.Table:
        """Some fields of all records, in their order; the others are not read."""
        if not set(names) <= set(self._table.schema.names):  # an earlier release's
            rows = [to_row(record) for record in self.read()]
            return pa.Table.from_pylist(rows, schema=self._schema).select(list(names))
        table = self._table.search().select(list(names)).to_arrow()
        return pa.concat_tables(part.select(list(names)) for part in (table, *self._pending))

    def column(self, name: str) -> list[Any]:
        """The values of one field, in the order of the records."""
        values: list[Any] = self.columns([name])[name].to_pylist()
        return values

    def delete_index(self, index: int) -> None:
        """Remove the record of that ``index``."""
        self.settle()
        self._table.delete(f"index = {index}")
        self._rows = self._table.count_rows()

    def _open(self, database: Any, name: str) -> None:
        if name in database:
            self._table = database.open_table(name)
        else:
            self._table = database.create_table(name, schema=self._schema)
        if go_back(self._table):
            self._table.restore()
        if self._table.schema != self._schema:
            kept = [from_row(self._record, row) for row in self._table.to_arrow().to_pylist()]
            rows = pa.Table.from_pylist([to_row(r) for r in kept], schema=self._schema)
            self._table = database.create_table(name, rows, mode="overwrite")
        if self._table.stats()["fragment_stats"]["num_fragments"] > MAX_FRAGMENTS:
            # Readers of a version that is no older keep what they see; others are told.
            self._table.optimize(cleanup_older_than=timedelta(days=1))

    def _values(self, name: str, values: list[Any]) -> list[Any]:
        kind = self._record.model_fields[name].annotation
        if not (isinstance(kind, type) and issubclass(kind, Enum)):
            return values
        members = {value: kind(value) for value in set(values)}
        return [members[value] for value in values]

    def _row(self, record: R) -> pa.Table:
        return pa.Table.from_pylist([to_row(record)], schema=self._schema)

    def _files(self) -> set[Path]:
        return {path for path in self._path.rglob("*") if path.is_file()}

    def _sync(self, files: set[Path]) -> None:
        """See that the disk has these files; the database leaves that to the system."""
        for path in files:
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        for folder in {path.parent for path in files}:
            sync_folder(folder)


class _Rows(Generic[R]):
    """Reads the whole row of a skimmed record, with its neighbours, which may be next."""

    def __init__(
        self, table: Any, record: type[R], path: Path, light: Sequence[str], derived: Derived
    ) -> None:
        self._table, self._record, self._path, self._light = table, record, path, light
        self._first, self._block = 0, pa.table({})
        self._derived, self._known = derived, dict[str, list[Any]]()

    def derive(self, name: str, row: int) -> Any:
        """A property of a row, which is computed for all of them at once."""
        if name not in self._known:
            columns, compute = self._derived[name]
            with storing("read", self._path):
                found = self._table.search().select(list(columns)).to_batches()
                self._known[name] = [value for rows in found for value in compute(rows)]
        return self._known[name][row]

    def whole(self, row: int, light: Mapping[str, Any]) -> R:
        if not 0 <= row - self._first < self._block.num_rows:
            self._first = row - row % BLOCK
            with storing("read", self._path):
                found = self._table.search().offset(self._first).limit(BLOCK)
                self._block = found.to_arrow()
        values = self._block.slice(row - self._first, 1).to_pylist()
        if not values or any(values[0][name] != light[name] for name in self._light):
            raise StoreError(
                f"Row {row} of {self._path} is not what it was when the table was opened: "
                "something else has written to it. Run the same command again."
            )
        return from_row(self._record, values[0])


def go_back(table: Any) -> bool:
    """Go to the last version that can be read, and tell whether it is not the latest."""
    latest: int = table.version
    for version in range(latest, 0, -1):
        if version < latest:
            table.checkout(version)
        if _whole(table):
            return version < latest
    return False  # what cannot be read at all is told when it is read


def _whole(table: Any, rows: int = 1) -> bool:
    """Whether the last rows can be read: those before them could, when they were written."""
    try:
        count = table.count_rows()
        if wanted := min(rows, count):
            table.search().offset(count - wanted).limit(wanted).to_arrow()
        return True
    except (OSError, RuntimeError, ValueError):
        return False
