"""What is known of a run, folded from its events."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic

from genesys.cli.estimate import time_left
from genesys.cli.ranking import Ranking, rank
from genesys.evolution.events import (
    Called,
    Event,
    Reviewed,
    RunEnded,
    RunOpened,
    SessionEnded,
    SessionStarted,
    StageEntered,
    TrainingProgress,
    UnitTried,
    VerificationEnded,
    VerificationStarted,
)
from genesys.population.population import Population
from genesys.records import CurvePoint, Scale, SessionEnd

Clock = Callable[[], float]


class Progress:
    """The state of a run as its events tell it.

    Args:
        clock: Seconds that only grow.

    Attributes:
        designs: New designs the run is to have in the end; None if no number is set.
        population: All that is committed.
        scales: The ladder.
        rankings: One per scale, brought up to date when something is committed.
        stage: What is under way, e.g. ``check`` or ``verify``, or the role that answered last.
        detail: Of the stage.
        point: Newest point of the training curve, while one grows.
        rating: What the session's proposal, and then its units, were given last, of 5.
        session_usd: What the session has cost so far.
        run_usd: What the run has cost so far, from the first call on.
        tokens_per_second: Of the training under way; None before two points are known.
    """

    def __init__(self, clock: Clock = monotonic) -> None:
        self.designs: int | None = None
        self.population = Population()
        self.scales: Sequence[Scale] = ()
        self.rankings: Sequence[Ranking] = ()
        self.stage = "start"
        self.detail = ""
        self.point: CurvePoint | None = None
        self.rating: float | None = None
        self.session_usd = self.run_usd = 0.0
        self._scale: Scale | None = None
        self._clock = clock
        self._start = self._since = clock()
        self._left: float | None = None
        self._seen: deque[tuple[float, int]] = deque(maxlen=30)

    def __call__(self, event: Event) -> None:
        """Take an event into account."""
        match event:
            case RunOpened(population=population, scales=scales, designs=designs):
                self.scales, self.designs = scales, designs
                self._commit(population)
            case SessionStarted(selection=selection, usd=usd):
                self._enter("select", selection.operator.value)
                self.session_usd, self.rating = usd, None
            case Called(call=call, session_usd=session_usd, run_usd=run_usd):
                self._enter(call.role, f"{call.task} ({call.model})")
                self.session_usd, self.run_usd = session_usd, run_usd
            case Reviewed(review=review):
                self.rating = review.rating
            case UnitTried(attempt=attempt):
                self.rating = attempt.rating
            case StageEntered(stage=stage, detail=detail):
                self._enter(stage, detail)
            case VerificationStarted(design=design, scale=scale):
                self._scale = scale
                self._enter("verify", f"{design} at {scale.name}")
            case TrainingProgress(point=point):
                self.point = point
                self._seen.append((self._clock(), point.tokens))
            case SessionEnded(session=session, design=design):
                made = [design] if design else []
                self._commit(self.population.grown(made, sessions=[session]))
            case VerificationEnded(report=report):
                self._commit(self.population.grown(reports=[report]))
            case RunEnded(population=population):
                self._commit(population)
                self._enter("done", "")

    @property
    def elapsed(self) -> float:
        """Seconds since this process began to watch."""
        return self._clock() - self._start

    @property
    def left(self) -> float | None:
        """Estimated seconds until the run ends; None while there is too little to tell from."""
        if self._left is None:
            return None
        return max(0.0, self._left - (self._clock() - self._since))

    @property
    def made(self) -> int:
        """New designs that passed all checkers."""
        return len(self.population.children)

    @property
    def verified(self) -> int:
        """New designs that were trained and evaluated at one scale at least."""
        return sum(self.population.confidence(d.name) > 0 for d in self.population.children)

    @property
    def rejected(self) -> int:
        """Sessions that ended without a design."""
        return sum(s.end is not SessionEnd.ACCEPTED for s in self.population.sessions)

    @property
    def failed(self) -> int:
        """Designs that a verification stopped by their own fault."""
        return sum(self.population.is_erroneous(d.name) for d in self.population.designs)

    @property
    def fraction(self) -> float | None:
        """Part of the training under way that is done; None when nothing trains."""
        if self.point is None or self._scale is None:
            return None
        return min(1.0, self.point.tokens / self._scale.total_tokens)

    @property
    def tokens_per_second(self) -> float | None:
        """Over the newest points, so that tuning and warm-up do not count for ever."""
        if len(self._seen) < 2:
            return None
        (start, first), (end, last) = self._seen[0], self._seen[-1]
        return (last - first) / (end - start) if end > start else None

    def _enter(self, stage: str, detail: str) -> None:
        self.stage, self.detail, self.point = stage, detail, None
        self._seen.clear()

    def _commit(self, population: Population) -> None:
        self.population, self._since = population, self._clock()
        self.rankings = [rank(population, scale.name) for scale in self.scales]
        self._left = time_left(population, self.scales, self.designs)
