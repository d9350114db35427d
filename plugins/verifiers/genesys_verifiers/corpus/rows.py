"""Rows of Parquet files and JSON lines, and the text in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

ROWS = 512


def parquet_rows(path: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Rows of a Parquet file, as a stream, with those of these columns that it has.

    Args:
        path: The file.
        columns: A dot reaches into a nested one, ``metadata.score``.

    Raises:
        OSError: It cannot be read.
        pyarrow.ArrowException: It is no Parquet file.
    """
    with pq.ParquetFile(path) as file:
        there = set(file.schema_arrow.names)
        wanted = [column for column in columns if column.split(".")[0] in there]
        for batch in file.iter_batches(ROWS, columns=wanted):
            yield from batch.to_pylist()


def at(row: Any, path: str) -> Any:
    """A value of a row, or None; a dot reaches into a nested one."""
    for name in path.split("."):
        if not isinstance(row, Mapping):
            return None
        row = row.get(name)
    return row


def text_at(row: Any, paths: Sequence[str]) -> str | None:
    """Texts of a row joined by new lines; None where one is missing or no Unicode."""
    texts = [at(row, path) for path in paths]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        return None
    joined = "\n".join(texts)
    try:
        joined.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which JSON lets through
        return None
    return joined
