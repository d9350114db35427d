"""Tables as files that other programs read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from genesys.errors import GenesysError
from genesys.files import whole


def write_tables(folder: Path, tables: Mapping[str, pa.Table]) -> None:
    """Write each table by its name as CSV and as Parquet; existing files are replaced.

    Raises:
        GenesysError: The folder cannot be written to.
    """
    from pyarrow import csv, parquet

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            with whole(folder / f"{name}.parquet") as draft:
                parquet.write_table(table, draft)
            with whole(folder / f"{name}.csv") as draft:
                csv.write_csv(_flat(table), draft)
    except OSError as error:
        raise GenesysError(f"The tables cannot be written to {folder}: {error}") from None


def _flat(table: pa.Table) -> pa.Table:
    """Lists as words: CSV has no others."""
    for index, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            words = [" ".join(value or []) for value in table[field.name].to_pylist()]
            table = table.set_column(index, field.name, pa.array(words, pa.string()))
    return table
