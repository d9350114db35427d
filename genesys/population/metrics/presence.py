"""When workers were there and what they did, from the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from genesys.population.ledger import Entry, EntryKind
from genesys.population.metrics.tables import ATTEMPTS, PRESENCE, table


def clocked(entries: Iterable[Entry]) -> tuple[pa.Table, pa.Table]:
    """Attempts and presence, by the schemas ``ATTEMPTS`` and ``PRESENCE``.

    Times are in seconds on the run's clock: it stands still while no coordinator is there, and a
    clock that was put back does not move it.

    Args:
        entries: Of the ledger, oldest first.
    """
    clock = _Clock()
    for entry in entries:
        clock.read(entry)
    clock.close()
    return table(clock.attempts, ATTEMPTS), table(clock.presence, PRESENCE)


class _Clock:
    """Reads a ledger from one end to the other."""

    def __init__(self) -> None:
        self.attempts: list[dict[str, Any]] = []
        self.presence: list[dict[str, Any]] = []
        self._now = self._opened = 0.0
        self._last: float | None = None
        self._since: dict[str, float] = {}
        self._joined = set[str]()

    def read(self, entry: Entry) -> None:
        if entry.kind is EntryKind.OPENED:
            self.close()  # nothing is known of what a killed coordinator did after its last entry
            self._last, self._opened = entry.time, self._now
        if self._last is not None:
            self._now += max(0.0, entry.time - self._last)
        self._last = entry.time
        match entry.kind:
            case EntryKind.JOINED:
                self._leave(entry.worker)
                self._joined.add(entry.worker)
                self._since[entry.worker] = self._now
            case EntryKind.LEFT:
                self._leave(entry.worker)
            case EntryKind.ENDED | EntryKind.FAILED if entry.work:
                self._attempt(entry)
            case EntryKind.CLOSED:
                self.close()

    def close(self) -> None:
        """No worker is left."""
        for worker in list(self._since):
            self._leave(worker)

    def _leave(self, worker: str) -> None:
        if worker in self._since:
            joined = self._since.pop(worker)
            self.presence.append({"worker": worker, "joined": joined, "left": self._now})

    def _attempt(self, entry: Entry) -> None:
        assert entry.work is not None
        if entry.worker not in self._joined:  # the coordinator itself, there as long as it is
            self._since.setdefault(entry.worker, self._opened)
        self.attempts.append(
            {
                "worker": entry.worker,
                "work": entry.work.value,
                "scale": entry.scale,
                "outcome": entry.outcome,
                "counts": entry.kind is EntryKind.ENDED,
                "seconds": entry.seconds,
                "began": max(self._opened, self._now - entry.seconds),
                "ended": self._now,
            }
        )
