"""The tables that metrics are computed from, whatever system has made the designs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

import pyarrow as pa

DESIGNS = pa.schema(
    {
        "name": pa.string(),
        "seed": pa.bool_(),
        "parents": pa.list_(pa.string()),
        "units": pa.list_(pa.string()),  # names
        "reused": pa.list_(pa.string()),  # those of them that earlier designs have, too
        "fitness": pa.float64(),
        "gain": pa.float64(),  # of fitness over the best parent, at the scales that both were at
        "rating": pa.float64(),  # of the proposal, 0 to 5
        "usd": pa.float64(),
        "erroneous": pa.bool_(),  # whether a verification failed by the design's fault
    }
)
SCORES = pa.schema(
    {
        "design": pa.string(),
        "scale": pa.string(),
        "task": pa.string(),
        "value": pa.float64(),  # 0 to 1
        "chance": pa.float64(),
        "items": pa.int64(),
    }
)
VERIFICATIONS = pa.schema(
    {
        "design": pa.string(),
        "scale": pa.string(),
        "outcome": pa.string(),  # ok, design_error or machine_error
        "stage": pa.string(),  # in which it failed
        "seconds": pa.float64(),
        "simulated": pa.bool_(),
    }
)
SESSIONS = pa.schema(
    {
        "session": pa.int64(),
        "operator": pa.string(),
        "end": pa.string(),
        "design": pa.string(),
        "seconds": pa.float64(),
    }
)
# What the checkers rejected a session's design for: one row for each class of errors.
REJECTIONS = pa.schema(
    {"session": pa.int64(), "group": pa.string(), "error": pa.string()}  # format, function, other
)
# What language models were paid: sums for each session, role and model.
CALLS = pa.schema(
    {
        "session": pa.int64(),
        "design": pa.string(),  # that the session made
        "role": pa.string(),
        "model": pa.string(),
        "calls": pa.int64(),
        "input_tokens": pa.int64(),
        "output_tokens": pa.int64(),
        "usd": pa.float64(),
    }
)
# Attempts at jobs; ``began`` and ``ended`` on the run's clock, which stands still between two
# coordinators.
ATTEMPTS = pa.schema(
    {
        "worker": pa.string(),
        "work": pa.string(),  # session or verification
        "scale": pa.string(),
        "outcome": pa.string(),
        "counts": pa.bool_(),  # whether it ended the job
        "seconds": pa.float64(),
        "began": pa.float64(),
        "ended": pa.float64(),
    }
)
PRESENCE = pa.schema({"worker": pa.string(), "joined": pa.float64(), "left": pa.float64()})


@dataclass(frozen=True)
class Tables:
    """A population as tables; what is not known of it has no rows.

    Attributes:
        designs: By the schema ``DESIGNS``, in the order in which they were made.
        scores: By the schema ``SCORES``: one row for each design, scale and task.
        verifications: By the schema ``VERIFICATIONS``, in the order in which they ended.
        sessions: By the schema ``SESSIONS``, in the order in which they were held.
        rejections: By the schema ``REJECTIONS``.
        calls: By the schema ``CALLS``.
        attempts: By the schema ``ATTEMPTS``, in the order in which they ended.
        presence: By the schema ``PRESENCE``: when which worker was there.
    """

    designs: pa.Table
    scores: pa.Table
    verifications: pa.Table = field(default_factory=VERIFICATIONS.empty_table)
    sessions: pa.Table = field(default_factory=SESSIONS.empty_table)
    rejections: pa.Table = field(default_factory=REJECTIONS.empty_table)
    calls: pa.Table = field(default_factory=CALLS.empty_table)
    attempts: pa.Table = field(default_factory=ATTEMPTS.empty_table)
    presence: pa.Table = field(default_factory=PRESENCE.empty_table)

    @property
    def simulated(self) -> int:
        """Verifications that trained nothing."""
        import pyarrow.compute as pc

        return pc.sum(self.verifications["simulated"]).as_py() or 0


def table(rows: Iterable[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows as a table; what a row lacks is null."""
    return pa.Table.from_pylist(list(rows), schema=schema)


def gain(own: Mapping[str, float], parents: Iterable[Mapping[str, float]]) -> float | None:
    """Fitness over that of the best parent, mean over the scales that both were verified at.

    Args:
        own: Fitness by scale.
        parents: That of each parent.

    Returns:
        None where no parent was verified at a scale of the child's.
    """
    best: dict[str, float] = {}
    for parent in parents:
        for scale in own.keys() & parent.keys():
            best[scale] = max(parent[scale], best.get(scale, parent[scale]))
    return fmean(own[scale] - value for scale, value in best.items()) if best else None
