"""Which documents train, which are held out, and which are left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from genesys_verifiers.corpus.config import CorpusConfig

DROPPED, TRAIN, VALID, TEST = range(4)
NAMES = {"train": TRAIN, "valid": VALID, "test": TEST}

Labels = NDArray[np.uint8]
Array = NDArray[Any]


def label(config: CorpusConfig, documents: pa.Table) -> Labels:
    """Say of each document where it goes.

    Doubles are dropped. Of each kind whole documents are held out in the order of their hashes, up
    to its share, unless the source has splits of its own; then the mixture is cut to size, too.

    Args:
        config: Of the corpus.
        documents: Columns ``kind``, ``split``, ``digest`` and ``size``.
    """
    labels = np.full(len(documents), TRAIN, dtype=np.uint8)
    digests, sizes = _column(documents, "digest"), _column(documents, "size")
    order = np.argsort(digests, kind="stable")
    double = np.zeros(len(order), dtype=bool)
    double[1:] = digests[order[1:]] == digests[order[:-1]]
    labels[order[double]] = DROPPED
    order = order[~double]
    kinds, splits = _column(documents, "kind")[order], _column(documents, "split")[order]
    by_kind = {kind: order[kinds == kind] for kind in sorted(set(kinds))}
    by_kind = _mix(config, by_kind, sizes, labels)
    for name, value in NAMES.items():
        labels[order[(splits == name) & (labels[order] != DROPPED)]] = value
    has_own = {kind for kind in by_kind if np.any(splits[kinds == kind] == "valid")}
    shares = config.held_out(int(sum(sizes[rows].sum() for rows in by_kind.values())))
    for kind in by_kind.keys() - has_own:
        rows = by_kind[kind]
        _hold_out(rows[labels[rows] == TRAIN], sizes, labels, *shares)
    return labels


def _mix(
    config: CorpusConfig, by_kind: dict[str, Array], sizes: Array, labels: Labels
) -> dict[str, Array]:
    """Cut each kind to its share of the largest mixture that can be had."""
    shares = config.shares()
    if not shares:
        return by_kind
    present = {kind: share for kind, share in shares.items() if kind in by_kind}
    total = min(
        config.limit(), *(sizes[by_kind[kind]].sum() / share for kind, share in present.items())
    )
    kept = {}
    for kind, share in present.items():
        rows = by_kind[kind]
        inside = _before(sizes[rows]) < share * total
        labels[rows[~inside]] = DROPPED
        kept[kind] = rows[inside]
    return kept


def _hold_out(rows: Array, sizes: Array, labels: Labels, valid: float, test: float) -> None:
    total, before = sizes[rows].sum(), _before(sizes[rows])
    labels[rows[before < (valid + test) * total]] = TEST
    labels[rows[before < valid * total]] = VALID


def _before(sizes: Array) -> Array:
    """Sum of what stands before each."""
    before: Array = np.cumsum(sizes) - sizes
    return before


def _column(documents: pa.Table, name: str) -> Array:
    found: Array = documents[name].to_numpy()
    return found
