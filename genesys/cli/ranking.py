"""Who is best at one scale: the one definition behind the terminal, the report and the display."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from statistics import fmean

from genesys.population.fitness import fitness
from genesys.population.population import Population
from genesys.population.uncertainty import StandardError, standard_error, told_apart
from genesys.records import Operator, Outcome, Score, VerificationReport


@dataclass(frozen=True)
class Row:
    """One design at one scale; means over its reports when there are several.

    Attributes:
        rank: From 1, by fitness at this scale and then by bits per byte.
        design: Its name.
        operator: How it was made.
        parents: Names of its parents.
        parameters: Non-embedding parameters.
        accuracy: Mean over the tasks; None if no task gives an accuracy.
        error: Of ``accuracy``, from the choice of items and, where there are several, of training
            seeds; None unless every task gives one.
        fitness: At this scale; the accuracy unless the run's fitness has other terms.
        fitness_error: Of ``fitness``.
        bits_per_byte: On held-out text; None when not measured.
        tokens_per_second: Of training.
        gain: Accuracy above the best seed at this scale; None without a seed.
        like_best: Whether its fitness is not told apart from the best one here.
        like_seed: Whether its accuracy is not told apart from that seed's.
    """

    rank: int
    design: str
    operator: Operator
    parents: tuple[str, ...]
    parameters: int
    accuracy: float | None
    error: StandardError | None
    fitness: float | None
    fitness_error: StandardError | None
    bits_per_byte: float | None
    tokens_per_second: float
    gain: float | None = None
    like_best: bool = False
    like_seed: bool = False

    @property
    def is_seed(self) -> bool:
        """Whether the run started from it."""
        return self.operator is Operator.SEED

    @property
    def stderr(self) -> float | None:
        """Standard error of ``accuracy``."""
        return self.error.value if self.error else None


@dataclass(frozen=True)
class Failure:
    """Verifications of a design that gave no score for the same reason, and how many they are."""

    design: str
    outcome: Outcome
    reason: str
    times: int


@dataclass(frozen=True)
class Baseline:
    """What a model gets without having learned: accuracy, and bits per byte where it exists."""

    accuracy: float | None
    bits_per_byte: float | None


@dataclass(frozen=True)
class Ranking:
    """All designs verified at one scale.

    Attributes:
        scale: Its name.
        rows: Best first.
        untrained: Mean of the same models before training.
        chance: Mean over tasks of what guessing gives.
        failures: Designs without a score, oldest first.
        simulated: Whether any report of the scale was made up by a simulation.
    """

    scale: str
    rows: tuple[Row, ...]
    untrained: Baseline
    chance: float | None
    failures: tuple[Failure, ...]
    simulated: bool = False

    @cached_property
    def by_accuracy(self) -> bool:
        """Whether accuracy is all that the fitness is made of."""
        return all(row.fitness == row.accuracy for row in self.rows)

    @property
    def best(self) -> Row | None:
        """The best design of all."""
        return self.rows[0] if self.rows else None

    @property
    def best_seed(self) -> Row | None:
        """The best of the designs the run started from."""
        return next((row for row in self.rows if row.is_seed), None)

    @property
    def best_child(self) -> Row | None:
        """The best of the designs the run made."""
        return next((row for row in self.rows if not row.is_seed), None)


def rank(population: Population, scale: str) -> Ranking:
    """Rank all designs that were verified at ``scale``."""
    reports = [r for r in population.reports if r.scale == scale]
    good = [r for r in reports if r.outcome is Outcome.OK]
    grouped: defaultdict[str, list[VerificationReport]] = defaultdict(list)
    for report in good:
        grouped[report.design].append(report)
    drafts = sorted((_row(population, scale, name, grouped[name]) for name in grouped), key=_order)
    scores = [s for r in good for s in r.scores]
    return Ranking(
        scale=scale,
        rows=tuple(_placed(drafts)),
        untrained=Baseline(
            _mean(s.untrained for s in scores if s.is_accuracy),
            _mean(s.untrained for s in _of(scores, "bits_per_byte")),
        ),
        chance=_mean(s.chance for s in scores if s.is_accuracy),
        failures=_failures(reports, ranked=set(grouped)),
        simulated=any(report.simulated for report in reports),
    )


def scales_of(population: Population) -> list[str]:
    """Names of the scales that reports exist for, smallest models first."""
    sizes: dict[str, int] = {}
    for report in population.reports:
        sizes[report.scale] = max(sizes.get(report.scale, 0), report.parameters)
    return sorted(sizes, key=lambda scale: sizes[scale])


def _failures(reports: Sequence[VerificationReport], ranked: set[str]) -> tuple[Failure, ...]:
    """What a design is to blame for, and faults of the machine that no later try made good."""
    times = Counter(
        (r.design, r.outcome, r.error)
        for r in reports
        if r.outcome is Outcome.DESIGN_ERROR
        or (r.outcome is Outcome.MACHINE_ERROR and r.design not in ranked)
    )
    return tuple(Failure(*key, count) for key, count in times.items())


def _row(
    population: Population, scale: str, name: str, reports: Sequence[VerificationReport]
) -> Row:
    design = population.design(name)
    return Row(
        rank=0,
        design=name,
        operator=design.operator,
        parents=tuple(design.parents),
        parameters=round(fmean(r.parameters for r in reports)),
        accuracy=fitness(reports),
        error=standard_error(reports),
        fitness=population.fitness(name, scale),
        fitness_error=population.fitness_error(name, scale),
        bits_per_byte=_mean(s.value for r in reports for s in _of(r.scores, "bits_per_byte")),
        tokens_per_second=fmean(r.tokens_per_second for r in reports),
    )


def order(fitness: float | None, bits_per_byte: float | None) -> tuple[float, float]:
    """What designs of a scale are sorted by, the best first."""
    bits = inf if bits_per_byte is None else bits_per_byte
    return (inf if fitness is None else -fitness, bits)


def _order(row: Row) -> tuple[float, float]:
    return order(row.fitness, row.bits_per_byte)


def _placed(drafts: Sequence[Row]) -> Iterator[Row]:
    """The rows with what they say beside the best design and the best seed."""
    seed = next((row for row in drafts if row.is_seed and row.accuracy is not None), None)
    for place, row in enumerate(drafts, start=1):
        best = drafts[0]
        yield replace(
            row,
            rank=place,
            gain=_minus(row.accuracy, seed.accuracy if seed else None),
            like_best=row is not best
            and _alike(row.fitness, row.fitness_error, best.fitness, best.fitness_error),
            like_seed=seed is not None
            and not row.is_seed
            and _alike(row.accuracy, row.error, seed.accuracy, seed.error),
        )


def _alike(
    value: float | None,
    error: StandardError | None,
    base: float | None,
    other: StandardError | None,
) -> bool:
    if value is None or base is None:
        return False
    return told_apart(value, error, base, other) is False


def _of(scores: Iterable[Score], metric: str) -> list[Score]:
    return [s for s in scores if s.metric == metric]


def _mean(values: Iterable[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return fmean(known) if known else None


def _minus(value: float | None, base: float | None) -> float | None:
    return None if value is None or base is None else value - base
