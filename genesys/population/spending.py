"""What language models cost a run: its calls summed up, without their messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from genesys.population.by import By
from genesys.population.files import storing
from genesys.population.run_file import RunFile
from genesys.records import Session, SessionEnd
from genesys.tape import Call, CallEnd

if TYPE_CHECKING:
    import pyarrow as pa

UNDER_WAY = "under_way"  # the outcome of a session that has not ended
_SUMS = ("calls", "tries", "input_tokens", "cached_tokens", "output_tokens", "usd", "seconds")
_READ = ["session", "role", "purpose", "model", "end", *_SUMS[2:]]


@dataclass(frozen=True)
class Spent:
    """The sum of some calls.

    Attributes:
        calls: Those that ended, in whatever way.
        tries: Requests that were sent for them.
        input_tokens: Of the messages.
        cached_tokens: Those of them that the provider had in its cache.
        output_tokens: Of the answers.
        usd: What they cost.
        seconds: How long they took.
    """

    calls: int = 0
    tries: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    seconds: float = 0.0


class Spending:
    """What the calls of a run cost.

    Args:
        calls: A row for each, with the fields of :class:`genesys.tape.Call` but its texts.
        sessions: Those that have ended, by their index.
    """

    def __init__(self, calls: pa.Table, sessions: Sequence[Session]) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        ends = pa.array([*(session.end.value for session in sessions), UNDER_WAY])
        which = pc.min_element_wise(calls["session"], len(sessions))
        ended = pc.not_equal(calls["end"], CallEnd.RETRIED.value).cast(pa.int64())
        sent = pc.greater(calls["seconds"], 0.0).cast(pa.int64())  # giving up takes no time
        self._calls = (
            calls.append_column("outcome", ends.take(which))
            .append_column("calls", ended)
            .append_column("tries", sent)
        )
        self._sessions = sessions

    @classmethod
    def read(cls, folder: Path) -> Spending:
        """That of a run folder, also while the run goes on.

        Raises:
            StoreError: The folder holds no run, or one of another version.
        """
        from genesys.population.evolution_tree import TABLES
        from genesys.population.store import RecordTable

        with storing("read", folder):
            RunFile.load(folder)
            tables = folder / TABLES
            sessions = RecordTable(tables, "sessions", Session, writable=False).read()
            calls = RecordTable(tables, "calls", Call, writable=False).columns(_READ)
        return cls(calls, sessions)

    def by(self, key: By) -> dict[str, Spent]:
        """The sums of calls that have a key in common; sessions in order, else dearest first."""
        found = {
            str(row[key.value]): Spent(*(row[name] for name in _SUMS))
            for row in self.sums(key.value).to_pylist()
        }
        if key is By.SESSION:
            return dict(sorted(found.items(), key=lambda item: int(item[0])))
        return dict(sorted(found.items(), key=lambda item: (-item[1].usd, item[0])))

    def sums(self, *keys: str) -> pa.Table:
        """The sums of calls that have all these fields in common, in the order of their first."""
        grouped = self._calls.group_by(list(keys), use_threads=False)
        sums = grouped.aggregate([(name, "sum") for name in _SUMS])
        return sums.select([*keys, *(f"{name}_sum" for name in _SUMS)]).rename_columns(
            [*keys, *_SUMS]
        )

    @cached_property
    def total(self) -> Spent:
        """The sum of all calls."""
        rows = self._calls.group_by([]).aggregate([(name, "sum") for name in _SUMS]).to_pylist()
        return Spent(*(rows[0][f"{name}_sum"] or 0 for name in _SUMS))

    def of_session(self, index: int) -> Spent:
        """The sum of a session's calls."""
        import pyarrow.compute as pc

        mine = self._calls.filter(pc.equal(self._calls["session"], index))
        return Spending(mine.select(_READ), self._sessions).total

    @property
    def designs(self) -> int:
        """Sessions that ended with a design."""
        return sum(session.end is SessionEnd.ACCEPTED for session in self._sessions)

    @property
    def usd_per_design(self) -> float | None:
        """All that was spent, over the designs that came of it; None without any."""
        return self.total.usd / self.designs if self.designs else None

    @property
    def usd_in_vain(self) -> float:
        """What sessions cost that ended without a design."""
        kept = (SessionEnd.ACCEPTED.value, UNDER_WAY)
        return sum(spent.usd for end, spent in self.by(By.OUTCOME).items() if end not in kept)
