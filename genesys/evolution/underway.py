"""The jobs under way, as the ledger has them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from genesys.evolution.jobs import Done, Ended, Extent, Job, Lost
from genesys.population.ledger import Entry, EntryKind, JobKind, Ledger
from genesys.population.population import Population
from genesys.records import Outcome


class UnderWay:
    """Jobs that were begun and have not ended; every step is an entry of the ledger.

    Those that a killed process has left are found in the ledger. What it had committed of one
    without having written so is written now.

    Args:
        ledger: Open.
        population: All that is committed.
        in_order: Whether results count in the order in which jobs were begun, or as they come.

    Attributes:
        number: Of the next job to begin.
    """

    def __init__(self, ledger: Ledger, population: Population, in_order: bool) -> None:
        self._ledger, self._in_order = ledger, in_order
        self._jobs: dict[int, Job] = {}
        self._failures: dict[int, list[Entry]] = {}
        self._ended: list[Ended] = []
        self.number = 0
        for entry in ledger.entries:
            self._take(entry)
        self._reconcile(population)

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[Job]:
        return iter(list(self._jobs.values()))

    def failures(self, job: Job, outcome: str = "") -> list[Entry]:
        """Attempts at a job that came to nothing, all of them or those that ended so."""
        all_ = self._failures.get(job.number, [])
        return [entry for entry in all_ if outcome in ("", entry.outcome)]

    def begin(self, job: Job) -> None:
        """Write down that a job is begun."""
        counts = [job.extent.designs, job.extent.reports, job.extent.sessions]
        self._write(EntryKind.BEGUN, job, selection=job.selection, why=job.why, seen=counts)

    def hold(self, ended: Ended) -> None:
        """Keep what has ended until it counts."""
        self._ended.append(ended)

    def countable(self) -> Ended | None:
        """What has ended and counts now: a result in its turn, anything else at once."""
        oldest = next(iter(self._jobs), None)
        for place, ended in enumerate(self._ended):
            in_turn = not self._in_order or ended.job.number == oldest
            if in_turn or not isinstance(ended, Done):
                return self._ended.pop(place)
        return None

    def end(self, done: Done, outcome: str, why: str, **known: Any) -> None:
        """Write down that what came of a job is committed."""
        self._write(EntryKind.ENDED, done.job, **_of(done), outcome=outcome, why=why, **known)

    def fail(self, ended: Done | Lost, outcome: str, why: str) -> None:
        """Write down that an attempt at a job came to nothing."""
        self._write(EntryKind.FAILED, ended.job, **_of(ended), outcome=outcome, why=why)

    def _write(self, kind: EntryKind, job: Job, **known: Any) -> None:
        about = {
            "time": time.time(),
            "kind": kind,
            "job": job.number,
            "work": job.kind,
            "session": job.session,
            "design": job.design,
            "scale": job.scale,
        }
        entry = Entry(**about | known)
        self._ledger.append(entry)
        self._take(entry)

    def _take(self, entry: Entry) -> None:
        if entry.job is None:
            return
        if entry.kind is EntryKind.BEGUN:
            self._jobs[entry.job] = _job(entry)
            self.number = entry.job + 1
        elif entry.kind is EntryKind.FAILED:
            self._failures.setdefault(entry.job, []).append(entry)
        elif entry.kind is EntryKind.ENDED:
            self._jobs.pop(entry.job, None)
            self._failures.pop(entry.job, None)

    def _reconcile(self, population: Population) -> None:
        """Write down the end of jobs whose results are committed."""
        sessions = {session.index: session for session in population.sessions}
        ends = Counter(
            (entry.design, entry.scale)
            for entry in self._ledger.entries
            if entry.kind is EntryKind.ENDED and entry.work is JobKind.VERIFICATION
        )
        for job in self:
            if job.session in sessions:
                session = sessions[job.session]
                done = Done(job, "", session.seconds)
                self.end(done, session.end.value, session.note, design=session.design)
            elif job.kind is JobKind.VERIFICATION:
                self._reconcile_reports(job, population, ends[job.design, job.scale])

    def _reconcile_reports(self, job: Job, population: Population, ended: int) -> None:
        """Write down the attempts at a verification, and its end, as far as they are committed."""
        all_ = [r for r in population.reports_of(job.design) if r.scale == job.scale]
        failed = [r for r in all_ if r.outcome is Outcome.MACHINE_ERROR]
        known = sum(
            (entry.kind, entry.design, entry.scale, entry.outcome)
            == (EntryKind.FAILED, job.design, job.scale, Outcome.MACHINE_ERROR)
            for entry in self._ledger.entries
        )
        for report in failed[known:]:
            self.fail(Done(job, "", report.seconds), report.outcome.value, "")
        if len(all_) - len(failed) > ended:
            self.end(Done(job, "", all_[-1].seconds), all_[-1].outcome.value, "")


def _of(ended: Done | Lost) -> dict[str, Any]:
    return {"worker": ended.worker, "seconds": ended.seconds, "devices": ended.devices}


def _job(entry: Entry) -> Job:
    """The job that an entry says was begun."""
    designs, reports, sessions = entry.seen
    return Job(
        number=entry.job,
        kind=entry.work,
        extent=Extent(designs=designs, reports=reports, sessions=sessions),
        session=entry.session,
        selection=entry.selection,
        design=entry.design,
        scale=entry.scale,
        why=entry.why,
    )
