"""The first stage: every part of the source as a Parquet file of documents.

Files are written by several processes; those that are whole are kept when a build is killed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from genesys.files import whole
from genesys_verifiers.corpus.config import CorpusConfig, Part
from genesys_verifiers.corpus.documents import Document

SCHEMA = pa.schema(
    {
        "kind": pa.string(),
        "text": pa.large_string(),
        "split": pa.string(),
        "digest": pa.uint64(),
        "size": pa.int64(),
    }
)
ROWS = 512
TOLD = 5  # examples of what was skipped


def documents_file(folder: Path, index: int) -> Path:
    """Documents of a part."""
    return folder / f"{index:05}.parquet"


def notes_file(folder: Path, index: int) -> Path:
    """What was skipped of a part; written last, so its being there says that the part is done."""
    return folder / f"{index:05}.json"


def stage(config: CorpusConfig, folder: Path, index: int, part: Part) -> None:
    """Write the documents of a part, and note what was skipped."""
    skipped: Counter[str] = Counter()
    examples: list[str] = []

    def usable() -> Iterator[Document]:
        for found in config.read(part):
            if isinstance(found, Document):
                yield found
                continue
            skipped[found.why] += 1
            if len(examples) < TOLD:
                examples.append(f"{found.where}: {found.why}")

    with whole(documents_file(folder, index)) as path:
        write(path, usable())
    with whole(notes_file(folder, index)) as path:
        path.write_text(json.dumps({"skipped": skipped, "examples": examples}), encoding="utf-8")


def write(path: Path, documents: Iterator[Document]) -> None:
    """Write documents as a stream."""
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        while rows := [_row(document) for document in islice(documents, ROWS)]:
            writer.write_table(pa.Table.from_pylist(rows, SCHEMA))


def read(path: Path) -> Iterator[Document]:
    """Documents of a file, as a stream."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(ROWS, columns=["kind", "text", "split"]):
            for row in batch.to_pylist():
                yield Document(row["kind"], row["text"], row["split"])


def tables(folder: Path, count: int) -> list[pa.Table]:
    """Of each part everything but the texts."""
    columns = ["kind", "split", "digest", "size"]
    return [pq.read_table(documents_file(folder, index), columns=columns) for index in range(count)]


def skipped(folder: Path, count: int) -> dict[str, Any]:
    """What was skipped of all parts: numbers by reason, and some examples."""
    total: Counter[str] = Counter()
    examples: list[str] = []
    for index in range(count):
        notes = json.loads(notes_file(folder, index).read_text(encoding="utf-8"))
        total.update(notes["skipped"])
        examples += notes["examples"]
    return {"counts": dict(total), "examples": examples[:TOLD]}


def _row(document: Document) -> dict[str, Any]:
    return {
        "kind": document.kind,
        "text": document.text,
        "split": document.split,
        "digest": int(document.digest[:16], 16),
        "size": len(document.text),
    }
