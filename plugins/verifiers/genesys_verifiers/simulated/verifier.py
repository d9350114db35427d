"""The verifier plugin that makes its reports up, to study all that is around it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from math import hypot, sqrt
from random import SystemRandom
from statistics import fmean

from genesys.errors import ConfigError
from genesys.markers import hookimpl
from genesys.records import (
    Design,
    Operator,
    Outcome,
    Scale,
    Score,
    VerificationReport,
    error_of_mean,
)
from genesys_verifiers.simulated.figures import (
    ERROR_RATE,
    HERITABILITY,
    TASKS,
    Task,
    fitness,
    seconds,
)
from genesys_verifiers.simulated.landscape import Landscape, bag_of, normal


class SimulatedVerifier:
    """Answers as if it had trained: scores, errors and times are drawn from the published figures.

    A report follows from the design's code, the scale and the seed alone; only the machine's errors
    are by chance. Reports say that they are simulated.

    Args:
        landscape: Which qualities designs have; another number, others.
        heritability: Share of the quality's variance that comes from units one by one, in 0..1.
        noise: What the deviations of the noise in scores are multiplied by; 1 as published.
        error_rate: Share of designs, apart from seeds, that fail by their own fault.
        machine_error_rate: Share of verifications that fail by the machine's fault.
        time_scale: Seconds that a verification takes here for each that it says it takes.

    Raises:
        ConfigError: A value is out of bounds.
    """

    simulates = True

    def __init__(
        self,
        landscape: int = 0,
        heritability: float = HERITABILITY,
        noise: float = 1.0,
        error_rate: float = ERROR_RATE,
        machine_error_rate: float = 0.0,
        time_scale: float = 0.0,
    ) -> None:
        shares = {
            "heritability": heritability,
            "error_rate": error_rate,
            "machine_error_rate": machine_error_rate,
        }
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise ConfigError(f"verifier.simulated.{name} must be in 0..1, got {share}.")
        for name, factor in {"noise": noise, "time_scale": time_scale}.items():
            if not 0 <= factor < float("inf"):
                raise ConfigError(f"verifier.simulated.{name} must be at least 0, got {factor}.")
        self._landscape = Landscape(landscape, heritability)
        self._noise, self._time_scale = noise, time_scale
        self._error_rate, self._machine_error_rate = error_rate, machine_error_rate

    @hookimpl
    def verify(self, design: Design, scale: Scale, seed: int) -> VerificationReport:
        """Make up a report, and take the time for it.

        Raises:
            UnitError: A unit does not follow the template.
        """
        slowness = self._landscape.share("slowness", design)
        report = VerificationReport(
            design=design.name,
            scale=scale.name,
            seed=seed,
            n_block=scale.n_block,
            embed_dim=scale.d_model,
            seconds=scale.seeds * seconds(scale.tokens, slowness),
            simulated=True,
        )
        report = report.model_copy(update=self._came_to(design, scale, seed, report.seconds))
        if self._time_scale:
            time.sleep(report.seconds * self._time_scale)
        return report

    def quality(self, design: Design) -> float:
        """What the simulation knows and no report says; in deviations of random designs."""
        return self._landscape.quality(design)

    def expected(self, design: Design, scale: Scale) -> float:
        """The accuracy of the design at a scale, without noise."""
        return fitness(self.quality(design), scale.tokens)

    def _came_to(self, design: Design, scale: Scale, seed: int, whole: float) -> dict[str, object]:
        """The part of a report that says how it went; ``whole`` are the seconds to its end."""
        if SystemRandom().random() < self._machine_error_rate:
            return _failed(Outcome.MACHINE_ERROR, "the machine", whole / 2)
        share = self._landscape.share("error", design)
        if design.operator is not Operator.SEED and share < self._error_rate:
            # Errors are as likely at each time of a training.
            return _failed(Outcome.DESIGN_ERROR, "the design", whole * share / self._error_rate)
        parameters = 12 * scale.n_block * scale.d_model**2  # the GPT reference's, about
        even = scale.seeds * seconds(scale.tokens, 0.5)
        return {
            "parameters": parameters,
            "flops": round(2 * parameters * whole / even),
            "tokens": scale.total_tokens,
            "tokens_per_second": scale.total_tokens / whole,
            "scores": self._scores(design, scale, seed),
        }

    def _scores(self, design: Design, scale: Scale, seed: int) -> list[Score]:
        quality, bag = self._landscape.quality(design), bag_of(design)
        return [
            _score(
                task, [self._value(task, quality, bag, scale, seed + i) for i in range(scale.seeds)]
            )
            for task in TASKS
        ]

    def _value(
        self, task: Task, quality: float, bag: Sequence[str], scale: Scale, seed: int
    ) -> float:
        drawn = normal(str(self._landscape.number), task.name, scale.name, str(seed), *bag)
        noise = self._noise * sqrt(1 - task.loading**2) * drawn
        value = task.at(scale.tokens) + task.deviation * (task.loading * quality + noise)
        return min(max(value, 0.0), 1.0)


def _score(task: Task, values: Sequence[float]) -> Score:
    value = fmean(values)
    return Score(
        task=task.name,
        metric=task.metric,
        value=value,
        stderr=hypot(sqrt(value * (1 - value) / task.items), error_of_mean(values)),
        chance=task.chance,
        by_seed=list(values) if len(values) > 1 else [],
    )


def _failed(outcome: Outcome, who: str, seconds: float) -> dict[str, object]:
    return {"outcome": outcome, "error": f"simulated: a fault of {who}", "seconds": seconds}
