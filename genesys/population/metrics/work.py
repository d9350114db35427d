"""Workers' time: how much there was, and how much of it was work."""

from __future__ import annotations

from collections import defaultdict
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from genesys.population.ledger import JobKind
from genesys.population.metrics.tables import Tables, table
from genesys.population.metrics.throughput import pessimistic
from genesys.records import Outcome

HOUR = 3600.0
WORKERS = pa.schema(
    {
        "worker": pa.string(),
        "sessions": pa.int64(),
        "verifications": pa.int64(),
        "in_vain": pa.int64(),  # attempts of either kind that did not end the job
        "busy": pa.float64(),  # hours
        "present": pa.float64(),  # hours
        "utilisation": pa.float64(),  # busy over present
    }
)
SCALES = pa.schema(
    {
        "scale": pa.string(),
        "verifications": pa.int64(),
        "designs": pa.int64(),
        "reached": pa.float64(),  # share of the designs tried at the scale below; first: of all
        "optimistic": pa.float64(),  # seconds of the quickest verification that ended well
        "median": pa.float64(),  # seconds of all that ended well
        "pessimistic": pa.float64(),  # seconds: as far above the median (table 19)
        "hours": pa.float64(),  # of all verifications
    }
)


class Work:
    """What workers did and when they were there, in seconds on the run's clock.

    Args:
        tables: Of a run.

    Attributes:
        until: When the run's clock stopped; zero where nothing is known of workers.
    """

    def __init__(self, tables: Tables) -> None:
        self._attempts, self._presence = tables.attempts, tables.presence
        self._doing = {kind: self._of(kind) for kind in JobKind}
        self.until: float = pc.max(self._presence["left"]).as_py() or 0.0

    def seconds(self, kind: JobKind | None = None) -> float | None:
        """That workers were busy, with jobs of a kind or any; None if there was no such job."""
        done = self._doing[kind] if kind else self._attempts
        found: float | None = pc.sum(done["seconds"]).as_py()
        return found

    def busy(self, kind: JobKind, low: float, high: float) -> float:
        """That workers were busy with jobs of a kind between two times."""
        return _overlap(self._doing[kind], ("began", "ended"), low, high)

    def present(self, kind: JobKind | None = None, low: float = 0.0, high: float = np.inf) -> float:
        """That workers were there between two times: all of them, or those that do such jobs.

        Of a worker that has done nothing yet nobody knows what it is for.
        """
        there = self._presence
        if kind:
            there = there.filter(pc.is_in(there["worker"], self._workers(kind)))
        return _overlap(there, ("joined", "left"), low, high)

    def ended(self, outcome: str, low: float, high: float) -> int:
        """Attempts that ended so after ``low`` and until ``high``."""
        found = self._attempts.filter(pc.equal(self._attempts["outcome"], outcome))
        times = found["ended"].drop_null().to_numpy()
        return int(((times > low) & (times <= high)).sum())

    def _of(self, kind: JobKind) -> pa.Table:
        return self._attempts.filter(pc.equal(self._attempts["work"], kind.value))

    def _workers(self, kind: JobKind) -> pa.Array:
        return pc.unique(self._doing[kind]["worker"])


def share(part: float | None, whole: float | None) -> float | None:
    """Their quotient; None where one is not known, or there is nothing to be a part of."""
    return part / whole if part is not None and whole else None


def workers(tables: Tables) -> pa.Table:
    """What each worker did, the busiest first, by the schema ``WORKERS``."""
    present: dict[str, float] = defaultdict(float)
    for row in tables.presence.to_pylist():
        present[row["worker"]] += row["left"] - row["joined"]
    rows: dict[str, dict[str, Any]] = {
        name: {"worker": name, "sessions": 0, "verifications": 0, "in_vain": 0, "busy": 0.0}
        for name in present
    }
    for attempt in tables.attempts.to_pylist() if rows else ():
        row = rows[attempt["worker"]]
        row["sessions" if attempt["work"] == JobKind.SESSION else "verifications"] += 1
        row["in_vain"] += not attempt["counts"]
        row["busy"] += attempt["seconds"] / HOUR
    for name, row in rows.items():
        row["present"] = present[name] / HOUR
        row["utilisation"] = share(row["busy"], row["present"])
    return table(sorted(rows.values(), key=lambda row: (-row["busy"], row["worker"])), WORKERS)


def scales(tables: Tables) -> pa.Table:
    """What verifications say that they took at each scale (table 19), by the schema ``SCALES``.

    The scales come in the order in which they were first reached.
    """
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in tables.verifications.to_pylist():
        found[row["scale"]].append(row)
    rows, below = [], tables.designs.num_rows
    for scale, reports in found.items():
        good = [row["seconds"] for row in reports if row["outcome"] == Outcome.OK]
        least, designs = min(good, default=None), len({row["design"] for row in reports})
        rows.append(
            {
                "scale": scale,
                "verifications": len(reports),
                "designs": designs,
                "reached": share(designs, below),
                "optimistic": least,
                "median": median(good) if good else None,
                "pessimistic": None if least is None else pessimistic(least, median(good)),
                "hours": sum(row["seconds"] for row in reports) / HOUR,
            }
        )
        below = designs
    return table(rows, SCALES)


def _overlap(spans: pa.Table, ends: tuple[str, str], low: float, high: float) -> float:
    """Seconds of spans that lie between two times."""
    begin, end = (spans[name].to_numpy() for name in ends)
    return float(np.clip(np.minimum(end, high) - np.maximum(begin, low), 0.0, None).sum())
