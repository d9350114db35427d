"""What is known of a run, folded from its events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from time import monotonic

from genesys.cli.activity import Activity, Clock
from genesys.cli.standing import Standing
from genesys.evolution.budget import HOUR
from genesys.evolution.events import (
    Called,
    Event,
    Held,
    Plan,
    Reported,
    RunEnded,
    RunOpened,
    SessionEnded,
    SessionStarted,
    VerificationEnded,
    WorkersChanged,
)
from genesys.evolution.outlook import Goal, Outlook, outlook
from genesys.evolution.tally import Tally
from genesys.population.ledger import EntryKind
from genesys.population.population import Population
from genesys.records import Outcome, Scale, SessionEnd


class Progress:
    """The state of a run as its events tell it.

    Args:
        clock: Seconds that only grow.

    Attributes:
        designs: New designs the run is to have in the end; None if no number is set.
        plan: What else it goes by; None if that is not known.
        population: All that is committed.
        scales: The ladder.
        own: What this process itself is doing.
        workers: What the workers are doing, by name, where they are processes of their own.
        held: Why no job is begun for now; else empty.
        run_usd: What the run has cost so far.
        run_tokens: What its calls of language models have taken so far, in and out.
    """

    def __init__(self, clock: Clock = monotonic) -> None:
        self.designs: int | None = None
        self.plan: Plan | None = None
        self.population = Population()
        self.scales: Sequence[Scale] = ()
        self.own = Activity(clock, "start")
        self.workers: dict[str, Activity] = {}
        self.held = ""
        self.run_usd, self.run_tokens = 0.0, 0
        self._session_usd: dict[int, float] = {}
        self._standings: defaultdict[str, Standing] = defaultdict(Standing)
        self._verified: set[str] = set()
        self._failed: set[str] = set()
        self._seeds: set[str] = set()
        self._rejected = 0
        self._seen = (0, 0)  # reports and sessions that are taken into account
        self._outlook: Outlook | None = None
        self._tally, self._read = Tally(), 0
        self._clock = clock
        self._start = self._since = clock()

    def __call__(self, event: Event) -> None:
        """Take an event into account."""
        self._read_ledger()
        match event:
            case RunOpened(population=population):
                self._open(event)
                # One of its own, which no other thread lets grow while it is shown.
                kept = (population.designs, population.reports, population.sessions)
                self._commit(Population(*kept, population.weights))
            case Reported(worker=worker, event=told):
                self.workers.setdefault(worker, Activity(self._clock))(told)
                self._count(told)
            case WorkersChanged(workers=names):
                known = self.workers
                self.workers = {n: known.get(n) or Activity(self._clock) for n in names}
            case Held(why=why):
                self.held = why
            case SessionEnded(session=session, design=design):
                made = [design] if design else []
                self._commit(self.population.grown(made, sessions=[session]))
            case VerificationEnded(report=report):
                self._commit(self.population.grown(reports=[report]))
            case RunEnded(population=population):
                self._commit(population)
                self.own.enter("done")
            case _:
                self.own(event)
                self._count(event)

    def standing(self, scale: str) -> Standing:
        """Who is best at a scale, as of now."""
        return self._standings[scale]

    def session_usd(self, session: int) -> float:
        """What a session has cost, as far as it was seen."""
        return self._session_usd.get(session, 0.0)

    @property
    def outlook(self) -> Outlook | None:
        """What the run will come to, as of the last commit; None where it has no goal."""
        if self._outlook is None and self.plan is not None and self.designs is not None:
            goal = Goal(self.scales, self.designs, self.plan.max_sessions)
            spent = (self.run_usd, self.run_tokens)
            self._outlook = outlook(self.population, self._tally, goal, self.plan.caps, *spent)
        return self._outlook

    @property
    def ratio(self) -> float | None:
        """Verifications for each new design so far, those of seeds aside; None without a design."""
        used = sum(self.population.used(scale.name) for scale in self.scales)
        return max(0, used - len(self.population.seeds)) / self.made if self.made else None

    @property
    def device_hours(self) -> float:
        """Of all verifications so far."""
        return self._tally.device_seconds / HOUR

    @property
    def elapsed(self) -> float:
        """Seconds since this process began to watch."""
        return self._clock() - self._start

    @property
    def left(self) -> float | None:
        """Estimated seconds until the run ends; None while there is too little to tell from."""
        if self.outlook is None or self.outlook.seconds is None:
            return None
        return max(0.0, self.outlook.seconds - (self._clock() - self._since))

    @property
    def made(self) -> int:
        """New designs that passed all checkers."""
        return len(self.population.children)

    @property
    def verified(self) -> int:
        """New designs that were trained and evaluated at one scale at least."""
        return len(self._verified)

    @property
    def rejected(self) -> int:
        """Sessions that ended without a design."""
        return self._rejected

    @property
    def failed(self) -> int:
        """Designs that a verification stopped by their own fault."""
        return len(self._failed)

    def _open(self, event: RunOpened) -> None:
        self.scales, self.designs, self.plan = event.scales, event.designs, event.plan
        self._seeds = {seed.name for seed in event.population.seeds}
        if self.plan:
            self._tally = Tally(self.plan.entries)
            self._read = len(self.plan.entries)
            self.run_usd = self._tally.usd.total
            self.run_tokens = round(self._tally.tokens.total)

    def _read_ledger(self) -> None:
        """Let workers rest whose attempts have ended since, however that was."""
        if self.plan is None:
            return
        self._tally.catch_up()
        entries = self.plan.entries
        while self._read < len(entries):
            entry = entries[self._read]
            self._read += 1
            ended = entry.kind in {EntryKind.ENDED, EntryKind.FAILED}
            if ended and (worker := self.workers.get(entry.worker)):
                worker.rest()

    def _count(self, event: Event) -> None:
        """What language models have cost."""
        if isinstance(event, SessionStarted):
            self._session_usd[event.index] = event.usd
        elif isinstance(event, Called):
            self._session_usd[event.call.session] = event.session_usd
            self.run_usd = max(self.run_usd, event.run_usd)
            self.run_tokens += event.call.input_tokens + event.call.output_tokens

    def _commit(self, population: Population) -> None:
        self.population, self._since, self._outlook = population, self._clock(), None
        reports, sessions = self._seen
        self._seen = len(population.reports), len(population.sessions)
        ends = [session.end for session in population.sessions[sessions:]]
        self._rejected += sum(end is not SessionEnd.ACCEPTED for end in ends)
        for report in population.reports[reports:]:
            self._standings[report.scale].add(report, population)
            if report.outcome is Outcome.DESIGN_ERROR:
                self._failed.add(report.design)
            elif report.outcome is Outcome.OK and report.design not in self._seeds:
                self._verified.add(report.design)
