"""What a ledger adds up to: what jobs took so far, what is under way, and who did what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from genesys.population.ledger import Entry, EntryKind, JobKind
from genesys.population.population import Population
from genesys.records import Outcome, Scale


@dataclass
class Sample:
    """Values of one kind, as their number, sum and sum of squares."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        """Take a value into account."""
        self.n += 1
        self.total += value
        self.squares += value * value

    @property
    def mean(self) -> float:
        """Their mean; zero without any."""
        return self.total / self.n if self.n else 0.0

    @property
    def deviation(self) -> float:
        """Their standard deviation, as a sample has it; zero for fewer than two."""
        if self.n < 2:
            return 0.0
        return sqrt(max(0.0, self.squares - self.n * self.mean**2) / (self.n - 1))


class Tally:
    """Folds the entries of a ledger, those too that are appended to the list later on.

    Attributes:
        device_seconds: That attempts at verifications had devices, those that failed included;
            in this run, and not in one that it was forked from.
        verifications: Device-seconds of one verification with all its attempts, by scale.
        verifying: Seconds that workers were busy with one, by scale.
        designing: Seconds that workers were busy with one session.
        usd: That one session cost.
        tokens: That one session took, in and out.
        under_way: The entries that began jobs which have not ended, by the jobs' numbers.
        workers: Since a coordinator last took the run on, the kinds of job each worker has done.
    """

    def __init__(self, entries: Sequence[Entry] = ()) -> None:
        self._entries, self._read = entries, 0
        self.device_seconds = 0.0
        self.verifications: defaultdict[str, Sample] = defaultdict(Sample)
        self.verifying: defaultdict[str, Sample] = defaultdict(Sample)
        self.designing, self.usd, self.tokens = Sample(), Sample(), Sample()
        self.under_way: dict[int, Entry] = {}
        self.workers: dict[str, set[JobKind]] = {}
        self._busy: defaultdict[int, float] = defaultdict(float)
        self._devices: defaultdict[int, float] = defaultdict(float)
        self.catch_up()

    def catch_up(self) -> None:
        """Take in what was appended since."""
        while self._read < len(self._entries):
            self._take(self._entries[self._read])
            self._read += 1

    def _take(self, entry: Entry) -> None:
        match entry.kind:
            case EntryKind.OPENED:
                self.workers = {}
            case EntryKind.FORKED:
                self.device_seconds = 0.0
            case EntryKind.JOINED:
                self.workers.setdefault(entry.worker, set())
            case EntryKind.LEFT:
                self.workers.pop(entry.worker, None)
            case EntryKind.BEGUN if entry.job is not None:
                self.under_way[entry.job] = entry
            case EntryKind.FAILED | EntryKind.ENDED if entry.job is not None and entry.work:
                self._attempted(entry.job, entry.work, entry)

    def _attempted(self, job: int, work: JobKind, entry: Entry) -> None:
        if entry.worker:
            self.workers.setdefault(entry.worker, set()).add(work)
        self._busy[job] += entry.seconds
        if work is JobKind.VERIFICATION:
            self._devices[job] += entry.seconds * entry.devices
            self.device_seconds += entry.seconds * entry.devices
        if entry.kind is not EntryKind.ENDED:
            return
        self.under_way.pop(job, None)
        busy, devices = self._busy.pop(job), self._devices.pop(job, 0.0)
        if work is JobKind.VERIFICATION:
            self.verifying[entry.scale].add(busy)
            self.verifications[entry.scale].add(devices)
        else:
            self.designing.add(busy)
            self.usd.add(entry.usd)
            self.tokens.add(entry.tokens)


def nearest(samples: dict[str, Sample], scale: str, scales: Sequence[Scale]) -> Sample | None:
    """What is known of a scale, else of the nearest one, in proportion to what training costs.

    Args:
        samples: By scale.
        scale: Name of the scale that is asked for.
        scales: The ladder, smallest first.

    Returns:
        None where nothing is known.
    """
    names = [rung.name for rung in scales]
    known = [name for name in names if name in samples and samples[name].n]
    if scale not in names or not known:
        return None
    place = names.index(scale)
    near = min(known, key=lambda name: abs(names.index(name) - place))
    ratio = _cost(scales[place]) / _cost(scales[names.index(near)])
    found = samples[near]
    return Sample(found.n, found.total * ratio, found.squares * ratio**2)


def entries_of(population: Population) -> list[Entry]:
    """What a ledger would say of a population, for a run that has none.

    It knows no costs and no failed attempts. Sessions come first, then verifications.
    """
    sessions = [
        Entry(
            time=0.0,
            kind=EntryKind.ENDED,
            job=session.index,
            work=JobKind.SESSION,
            session=session.index,
            design=session.design,
            outcome=session.end.value,
            seconds=session.seconds,
        )
        for session in population.sessions
    ]
    counted = [r for r in population.reports if r.outcome is not Outcome.MACHINE_ERROR]
    reports = [
        Entry(
            time=0.0,
            kind=EntryKind.ENDED,
            job=number,
            work=JobKind.VERIFICATION,
            design=report.design,
            scale=report.scale,
            outcome=report.outcome.value,
            seconds=report.seconds,
        )
        for number, report in enumerate(counted, len(sessions))
    ]
    return [*sessions, *reports]


def _cost(scale: Scale) -> float:
    """Training FLOPs up to a factor."""
    return float(scale.total_tokens) * scale.n_block * scale.d_model**2
