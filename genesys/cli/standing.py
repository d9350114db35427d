"""Who is best at one scale while a run goes on, kept up report by report.

It orders designs as :func:`genesys.cli.ranking.rank` does, which looks at all reports anew.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass

from genesys.cli.ranking import order
from genesys.population.fitness import fitness
from genesys.population.population import Population
from genesys.records import Operator, Outcome, VerificationReport

Key = tuple[float, float, str]


@dataclass(frozen=True)
class Placed:
    """A design with the mean of its accuracies at the scale; None if no task gives one."""

    design: str
    accuracy: float | None
    is_seed: bool


class Standing:
    """The designs that were verified at a scale, best first."""

    def __init__(self) -> None:
        self._keys: list[Key] = []
        self._of: dict[str, Key] = {}
        self._placed: dict[str, Placed] = {}
        self._seeds: set[str] = set()
        self._untrained: list[float] = [0.0, 0.0]  # their sum and number

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, report: VerificationReport, population: Population) -> None:
        """Take a report into account, which the population has already."""
        if report.outcome is not Outcome.OK:
            return
        name = report.design
        here = [r for r in population.reports_of(name) if r.scale == report.scale]
        good = [r for r in here if r.outcome is Outcome.OK]
        bits = [s.value for r in good for s in r.scores if s.metric == "bits_per_byte"]
        mean = sum(bits) / len(bits) if bits else None
        if old := self._of.pop(name, None):
            del self._keys[bisect_left(self._keys, old)]
        self._of[name] = (*order(population.fitness(name, report.scale), mean), name)
        insort(self._keys, self._of[name])
        is_seed = population.design(name).operator is Operator.SEED
        self._placed[name] = Placed(name, fitness(good), is_seed)
        if is_seed:
            self._seeds.add(name)
        for score in report.scores:
            if score.is_accuracy and score.untrained is not None:
                self._untrained[0] += score.untrained
                self._untrained[1] += 1

    def place(self, design: str) -> int | None:
        """From 1; None for a design that is not verified here."""
        key = self._of.get(design)
        return None if key is None else bisect_left(self._keys, key) + 1

    @property
    def best(self) -> Placed | None:
        """The best design of all."""
        return self._placed[self._keys[0][-1]] if self._keys else None

    @property
    def best_seed(self) -> Placed | None:
        """The best of the designs the run started from."""
        best = min((self._of[name] for name in self._seeds), default=None)
        return self._placed[best[-1]] if best else None

    @property
    def untrained(self) -> float | None:
        """Mean accuracy of the same models before training."""
        total, number = self._untrained
        return total / number if number else None
