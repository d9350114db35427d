"""Shows one verification while it goes on: a bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

from threading import RLock
from time import monotonic
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from genesys.cli.activity import Clock
from genesys.cli.text import clock, count
from genesys.records import CurvePoint
from genesys.text import one_line

HEARTBEAT = 10.0  # seconds between lines about training, without a terminal


class Pace:
    """How fast a training goes, from its points.

    Args:
        tokens: Of the whole training.
        timer: Seconds that only grow.

    Attributes:
        point: The newest.
    """

    def __init__(self, tokens: int, timer: Clock = monotonic) -> None:
        self._tokens, self._timer = tokens, timer
        self._first: tuple[float, int] | None = None
        self._last = (0.0, 0)
        self.point: CurvePoint | None = None

    def __call__(self, point: CurvePoint) -> None:
        """Take a point of the curve into account."""
        self.point, self._last = point, (self._timer(), point.tokens)
        self._first = self._first or self._last

    @property
    def fraction(self) -> float:
        """Part of the tokens that is done."""
        if self.point is None:
            return 0.0
        missing = self._tokens - self.point.tokens
        step = self.point.tokens / self.point.step
        # A training ends within half a step of its tokens.
        return 1.0 if missing <= step / 2 else self.point.tokens / self._tokens

    @property
    def tokens_per_second(self) -> float | None:
        """From the first point on; None before there are two."""
        if self._first is None or self._last[0] <= self._first[0]:
            return None
        return (self._last[1] - self._first[1]) / (self._last[0] - self._first[0])

    def __str__(self) -> str:
        """``40%, loss 5.31, 21.3k tokens/s, 0:12 left``, as far as it is known."""
        if self.point is None:
            return ""
        text = f"{self.fraction:.0%}, loss {self.point.loss:.2f}"
        if (speed := self.tokens_per_second) is None:
            return text
        text = f"{text}, {count(speed)} tokens/s"
        left = (self._tokens - self.point.tokens) / speed
        return text if self.fraction == 1.0 else f"{text}, {clock(left)} left"


class TrainingDisplay:
    """Told of stages and points of the training curve; a context manager.

    Args:
        console: Where to show it.
        title: What is verified.
        tokens: Of the training.
        timer: Seconds that only grow.
    """

    def __init__(self, console: Console, title: str, tokens: int, timer: Clock = monotonic) -> None:
        self._console, self._title, self._timer = console, one_line(title), timer
        self._pace, self._start, self._said = Pace(tokens, timer), timer(), 0.0
        self._lock = RLock()
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(24),
            TextColumn("{task.fields[told]}", markup=False),
        )
        self._bar = Progress(*columns, console=console, transient=True)
        self._task = self._bar.add_task(self._title, total=None, told="")

    def __enter__(self) -> Self:
        if self._live:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._bar.stop()

    def enter(self, stage: str) -> None:
        """A stage begins, e.g. ``checking``."""
        self._bar.update(self._task, description=f"{self._title}: {stage}", total=None, told="")
        self._say(stage)

    def __call__(self, point: CurvePoint) -> None:
        """Take a point of the training curve into account."""
        with self._lock:
            started = self._pace.point is not None
            self._pace(point)
            if not started:
                self.enter("training")
            done = self._pace.fraction
            self._bar.update(self._task, total=1.0, completed=done, told=str(self._pace))
            if done == 1.0:
                self._say(str(self._pace))
                self.enter("evaluating")
            elif self._timer() - self._said >= HEARTBEAT:
                self._say(str(self._pace))

    @property
    def _live(self) -> bool:
        return self._console.is_terminal and not self._console.is_dumb_terminal

    def _say(self, what: str) -> None:
        if not self._live:
            self._said = self._timer()
            line = Text(f"{clock(self._said - self._start):>7} {self._title}: {what}")
            self._console.print(line, soft_wrap=True)
