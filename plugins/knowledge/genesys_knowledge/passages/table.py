"""The LanceDB table of passages. The only module here that imports it; load it when needed."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.index import FTS, IvfFlat
from lancedb.query import MatchQuery
from lancedb.rerankers import RRFReranker

from genesys.population.store import go_back
from genesys_knowledge.passages.passage import Passage

FIELDS = ("id", "document", "title", "content", "url")
K = 60  # of reciprocal rank fusion: Cormack et al. 2009
DEPTH = 50  # ranks that are fused
BM25_HALF = 10.0  # the BM25 score that counts as 0.5

FLAT_ROWS = 30_000  # beyond, vectors have an index
MOST_SEGMENTS = 8  # of the vector index, before it is made anew
DELETED = 1_000  # rows of one commit

Vectors = np.ndarray[Any, np.dtype[np.float32]]
Scored = list[tuple[Passage, float]]


class PassageTable:
    """Passages in a table with a full-text index, and a vector index once it is large.

    Args:
        folder: Of the database.
        name: Of the table.
        dimension: Numbers of a vector; 0 for passages without.
        writable: Whether anything but reading is allowed; an absent table is created.

    Raises:
        OSError, RuntimeError, ValueError: What the database answers.
    """

    def __init__(self, folder: Path, name: str, dimension: int, writable: bool) -> None:
        database: Any = lancedb.connect(folder, read_consistency_interval=timedelta(0))
        if not writable:
            self._table = database.open_table(name)
            return
        self._table = database.create_table(name, schema=_schema(dimension), exist_ok=True)
        if go_back(self._table):
            self._table.restore()
        if not self._indices():
            self._table.create_index("content", config=FTS(stem=True, remove_stop_words=True))

    def __len__(self) -> int:
        return int(self._table.count_rows())

    def changed(self, passages: Sequence[Passage]) -> list[Passage]:
        """Those that the table lacks, or holds with another content."""
        known = {p.id: p for p in self.get([passage.id for passage in passages])}
        return [passage for passage in passages if known.get(passage.id) != passage]

    def get(self, ids: Sequence[str]) -> list[Passage]:
        """The passages of these ids that there are, in any order."""
        rows = self._table.search().where(f"id IN ({_quoted(ids)})").limit(len(ids))
        return [_passage(row) for row in rows.select(list(FIELDS)).to_list()]

    def put(self, passages: Sequence[Passage], vectors: Vectors | None) -> None:
        """Commit passages, in place of those of the same ids, and see that the disk has them."""
        before = self._table.version
        merge = self._table.merge_insert("id").when_matched_update_all()
        merge.when_not_matched_insert_all().execute(_rows(passages, vectors, self._table.schema))
        try:
            whole = len(self.get([passage.id for passage in passages])) == len(passages)
        except (OSError, RuntimeError, ValueError):
            whole = False
        if not whole:
            self._table.restore(before)
            raise OSError(errno.ENOSPC, "The disk kept only a part of what was written")

    def remove(self, ids: Sequence[str]) -> None:
        """Remove passages."""
        for start in range(0, len(ids), DELETED):
            self._table.delete(f"id IN ({_quoted(ids[start : start + DELETED])})")

    def remove_document(self, document: str) -> None:
        """Remove all passages of a document."""
        self._table.delete(f"document = {_quoted([document])}")

    def ids(self) -> set[str]:
        """Of all passages."""
        return set(self._table.search().select(["id"]).to_arrow()["id"].to_pylist())

    def batches(self, size: int) -> Iterator[list[Passage]]:
        """All passages, some at a time."""
        for batch in self._table.search().select(list(FIELDS)).to_batches(size):
            yield [_passage(row) for row in batch.to_pylist()]

    @property
    def loose(self) -> int:
        """Passages that are in no index: searches read them one by one."""
        return int(self._table.index_stats("content_idx").num_unindexed_rows)

    def settle(self) -> None:
        """Index what is in no index, and put small files together."""
        # Whoever opened the table within the last hour keeps what they see.
        self._table.optimize(cleanup_older_than=timedelta(hours=1))
        if "vector" not in self._table.schema.names or len(self) < FLAT_ROWS:
            return
        stats = self._table.index_stats("vector_idx") if "vector_idx" in self._indices() else None
        if stats is None or stats.num_indices > MOST_SEGMENTS:
            self._table.create_index("vector", config=IvfFlat(distance_type="cosine"))

    def by_text(self, text: str, limit: int) -> Scored:
        """The best by BM25; a score grows with it and stays below 1."""
        query = self._table.search(MatchQuery(text, "content")).limit(limit)
        rows = query.select([*FIELDS, "_score"]).to_list()
        return [(_passage(row), row["_score"] / (row["_score"] + BM25_HALF)) for row in rows]

    def by_vector(self, vector: Vectors, limit: int) -> Scored:
        """The nearest; the score is the cosine, or 0 where it is negative."""
        query = self._table.search(vector, vector_column_name="vector").distance_type("cosine")
        rows = query.limit(limit).select([*FIELDS, "_distance"]).to_list()
        return [(_passage(row), max(0.0, min(1.0, 1 - row["_distance"]))) for row in rows]

    def by_both(self, text: str, vector: Vectors, limit: int) -> Scored:
        """The best by reciprocal ranks; the score is 1 for what is first in both rankings."""
        query = self._table.search(query_type="hybrid", vector_column_name="vector")
        query = query.text(MatchQuery(text, "content")).vector(vector).distance_type("cosine")
        rows = query.rerank(RRFReranker(K)).limit(max(DEPTH, limit)).to_arrow()
        best = rows.drop(["vector"]).slice(0, limit).to_pylist()
        return [(_passage(row), min(1.0, row["_relevance_score"] * (K + 1) / 2)) for row in best]

    def _indices(self) -> set[str]:
        return {index.name for index in self._table.list_indices()}


def drop(folder: Path, name: str) -> None:
    """Remove a table if it is there."""
    lancedb.connect(folder).drop_table(name, ignore_missing=True)


def _schema(dimension: int) -> pa.Schema:
    fields = [pa.field(name, pa.string()) for name in FIELDS]
    if dimension:
        fields.append(pa.field("vector", pa.list_(pa.float32(), dimension)))
    return pa.schema(fields)


def _rows(passages: Sequence[Passage], vectors: Vectors | None, schema: pa.Schema) -> pa.Table:
    columns: list[Any] = [[getattr(p, name) for p in passages] for name in FIELDS]
    if vectors is not None:
        flat = pa.array(np.ascontiguousarray(vectors, np.float32).ravel())
        columns.append(pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]))
    return pa.table(columns, schema=schema)


def _passage(row: dict[str, Any]) -> Passage:
    text = row["content"].removeprefix(row["title"]).removeprefix("\n")
    return Passage(row["id"], row["document"], row["title"], text, row["url"])


def _quoted(texts: Sequence[str]) -> str:
    return ", ".join("'" + text.replace("'", "''") + "'" for text in texts)
