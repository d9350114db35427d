"""What a logger is told of verifications. All of it is known in the trusted half anyway."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from threading import Event
from time import perf_counter
from typing import Any, Self

from genesys.records import CurvePoint, Design, Outcome, Scale, VerificationReport
from genesys_verifiers.loggers.config import logger_of
from genesys_verifiers.loggers.writer import Writer
from genesys_verifiers.settings import Task

FOUND = ("parameters", "flops", "tokens", "tokens_per_second", "seconds", "fitness")

log = logging.getLogger(__name__)


class Logging:
    """Begins a log for each verification, until something goes wrong with one.

    Args:
        config: A config of group ``logger``; None logs nothing.

    Raises:
        GenesysError: It is wrong, or what it names cannot log here.
    """

    def __init__(self, config: Mapping[str, Any] | None) -> None:
        self._config = logger_of(config) if config else None
        self._failed = Event()
        if self._config:
            self._config.check()

    def begin(self, design: Design, scale: Scale, task: Task) -> Log:
        """The log of one verification, a context that ends it.

        Args:
            design: The design.
            scale: The scale.
            task: What its guests are told.
        """
        if self._config is None or self._failed.is_set():
            return Log()
        title = re.sub(r"[^\w.-]", "_", f"{design.name}-{scale.name}-{task.seed}")
        try:
            writer = Writer(self._config, title, _hyperparameters(design, scale, task), self._fail)
        except Exception as error:
            self._fail(error)
            return Log()
        return Log(writer, self._config.every, _rates(task), task.steps)

    def _fail(self, error: BaseException) -> None:
        if self._config and not self._failed.is_set():
            self._failed.set()
            log.warning(
                "The logger %s has failed and is off from now on; nothing else is. %s: %s",
                self._config.name,
                type(error).__name__,
                str(error)[:500],
            )


class Log:
    """The log of one verification.

    Args:
        writer: Where it goes; None for nowhere.
        every: Steps from one that is logged to the next.
        rate: Learning rate of a one-based step.
        steps: Of the training.
    """

    def __init__(
        self,
        writer: Writer | None = None,
        every: int = 1,
        rate: Callable[[int], float] | None = None,
        steps: int = 0,
    ) -> None:
        self._writer, self._every, self._rate, self._steps = writer, every, rate, steps
        self._since: tuple[float, int] | None = None
        self._ok = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer:
            self._writer.close(self._ok)

    def step(self, point: CurvePoint, is_past: bool = False) -> None:
        """Log a step of training, if it is its turn.

        Args:
            point: The step.
            is_past: Whether an earlier process took it, so that nobody knows how long it took.
        """
        is_due = point.step % self._every == 0 or point.step in {1, self._steps}
        if not self._writer or not (is_due or is_past):
            return
        now = perf_counter()
        if is_due:
            self._writer.put(self._metrics(point, None if is_past else now), point.step)
        self._since = now, point.tokens

    def end(self, report: VerificationReport) -> None:
        """Log what came out."""
        if not self._writer:
            return
        self._ok = report.outcome is Outcome.OK
        found = {f"score/{score.task}": score.value for score in report.scores}
        found |= {name: v for name in FOUND if (v := getattr(report, name)) is not None}
        self._writer.put(found, report.curve[-1].step if report.curve else 0)

    def _metrics(self, point: CurvePoint, now: float | None) -> dict[str, float]:
        assert self._rate
        metrics = {
            "train/loss": point.loss,
            "train/grad_norm": point.grad_norm,
            "train/learning_rate": self._rate(point.step),
        }
        if now and self._since:
            seconds, tokens = now - self._since[0], point.tokens - self._since[1]
            metrics["train/tokens_per_second"] = tokens / max(seconds, 1e-9)
        return metrics


def _hyperparameters(design: Design, scale: Scale, task: Task) -> dict[str, Any]:
    return {
        "design": {
            "name": design.name,
            "operator": design.operator.value,
            "parents": ", ".join(design.parents),
        },
        "scale": scale.model_dump(mode="json"),
        "seed": task.seed,
        "steps": task.steps,
        "vocab_size": task.vocab_size,
        "settings": task.settings.model_dump(mode="json"),
    }


def _rates(task: Task) -> Callable[[int], float]:
    from genesys_verifiers.training.optimization import Schedule

    schedule = Schedule(task.learning_rate, task.steps, task.settings)
    return lambda step: task.learning_rate * schedule.factor(step - 1)
