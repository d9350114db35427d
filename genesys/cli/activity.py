"""What one worker is doing, folded from the events that it tells of."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from genesys.cli.text import count
from genesys.evolution.events import (
    Called,
    Event,
    Reviewed,
    SessionStarted,
    StageEntered,
    TrainingProgress,
    UnitTried,
    VerificationStarted,
)
from genesys.records import CurvePoint, Scale

Clock = Callable[[], float]


class Activity:
    """What is under way in one place.

    Args:
        clock: Seconds that only grow.
        stage: Until something is told.

    Attributes:
        stage: E.g. ``check`` or ``verify``, or the role that answered last; ``idle`` at rest.
        detail: Of the stage.
        point: Newest point of the training curve, while one grows.
        rating: What the session's proposal, and then its units, were given last, of 5.
        usd: What the session has cost so far; zero at a verification.
    """

    def __init__(self, clock: Clock, stage: str = "idle") -> None:
        self._clock = clock
        self.stage, self.detail = stage, ""
        self.point: CurvePoint | None = None
        self.rating: float | None = None
        self.usd = 0.0
        self._scale: Scale | None = None
        self._since = clock()
        self._seen: deque[tuple[float, int]] = deque(maxlen=30)

    def __call__(self, event: Event) -> None:
        """Take an event into account, if it is one of a job."""
        match event:
            case SessionStarted(index=index, selection=selection, usd=usd):
                self._begin("select", f"session {index}, {selection.operator.value}", usd)
            case Called(call=call, session_usd=session_usd):
                self.enter(call.role, f"{call.task} ({call.model})")
                self.usd = session_usd
            case Reviewed(review=review):
                self.rating = review.rating
            case UnitTried(attempt=attempt):
                self.rating = attempt.rating
            case StageEntered(stage=stage, detail=detail):
                self.enter(stage, detail)
            case VerificationStarted(design=design, scale=scale):
                self._scale = scale
                self._begin("verify", f"{design} at {scale.name}")
            case TrainingProgress(point=point):
                self.point = point
                self._seen.append((self._clock(), point.tokens))

    def enter(self, stage: str, detail: str = "") -> None:
        """Go over to another stage."""
        self.stage, self.detail, self.point = stage, detail, None
        self._seen.clear()

    def rest(self) -> None:
        """What was under way has ended."""
        self._begin("idle", "")

    def _begin(self, stage: str, detail: str, usd: float = 0.0) -> None:
        self.enter(stage, detail)
        self.usd, self.rating, self._since = usd, None, self._clock()

    @property
    def busy(self) -> bool:
        """Whether there is something under way."""
        return self.stage != "idle"

    @property
    def seconds(self) -> float:
        """Since the job began, or since the last one ended."""
        return self._clock() - self._since

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

    @property
    def training(self) -> str:
        """``45%, loss 5.25, 21.3k tokens/s``, as far as it is known; empty when nothing trains."""
        if self.point is None:
            return ""
        speed = self.tokens_per_second
        rate = "" if speed is None else f", {count(speed)} tokens/s"
        return f"{self.fraction or 0:.0%}, loss {self.point.loss:.2f}{rate}"
