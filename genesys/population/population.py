"""The population: a read-only view of an evolution tree at one moment."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence, Set
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from genesys.errors import UnknownNameError
from genesys.population.fitness import (
    EQUATION_1,
    Weights,
    fitness,
    fitness_error,
    verified_scales,
)
from genesys.population.growing import ByKey, History, Prefix, below
from genesys.population.terms import FORECAST, saved
from genesys.population.uncertainty import StandardError
from genesys.records import Design, Outcome, Session, VerificationReport

if TYPE_CHECKING:
    from genesys.population.scaling import ScalingFit

V = TypeVar("V")
Floats = NDArray[np.float64]
Value = Callable[[Design, Sequence[VerificationReport]], float | None]


class Population:
    """All designs with their sessions and reports, in the order in which they were committed.

    It does not change. Those that it grows into share with it what they have in common, so that
    an event takes time for what is new and not for all that there is.

    Args:
        designs: Seeds first, then children by index.
        reports: Verification reports, oldest first.
        sessions: Design sessions, those that ended earlier first.
        weights: Of the fitness's terms.
    """

    def __init__(
        self,
        designs: Iterable[Design] = (),
        reports: Iterable[VerificationReport] = (),
        sessions: Iterable[Session] = (),
        weights: Weights = EQUATION_1,
    ) -> None:
        history = History()
        history.add(designs, reports, sessions)
        self._take(history, weights)

    @classmethod
    def _of(cls, history: History, weights: Weights, *lengths: int) -> Population:
        population = cls.__new__(cls)
        population._take(history, weights, *lengths)
        return population

    def _take(self, history: History, weights: Weights, *lengths: int) -> None:
        """View the first so many designs, reports and sessions of a history; by default all."""
        self._history, self.weights = history, weights
        designs, reports, sessions = lengths or history.lengths
        self.designs: Sequence[Design] = Prefix(history.designs, designs)
        self.reports: Sequence[VerificationReport] = Prefix(history.reports, reports)
        self.sessions: Sequence[Session] = Prefix(history.sessions, sessions)
        self._designs, self._reports = designs, reports

    def grown(
        self,
        designs: Iterable[Design] = (),
        reports: Iterable[VerificationReport] = (),
        sessions: Iterable[Session] = (),
    ) -> Population:
        """The population with these added. Only one thread may let a population grow."""
        history = self._history
        if self._is_latest:
            history.add(designs, reports, sessions)
            return Population._of(history, self.weights)
        base = Population(self.designs, self.reports, self.sessions, self.weights)
        return base.grown(designs, reports, sessions)

    def until(self, designs: int, reports: int, sessions: int) -> Population:
        """The population when it had so many of each; as it is, where it has fewer."""
        lengths = (
            min(designs, len(self.designs)),
            min(reports, len(self.reports)),
            min(sessions, len(self.sessions)),
        )
        return Population._of(self._history, self.weights, *lengths)

    def follows(self, earlier: Population) -> bool:
        """Whether this is the earlier population, or one that it grew into."""
        return (
            self._history is earlier._history
            and len(self.designs) >= len(earlier.designs)
            and len(self.reports) >= len(earlier.reports)
            and len(self.sessions) >= len(earlier.sessions)
        )

    @property
    def by_name(self) -> ByKey[Design]:
        """All designs by name."""
        return ByKey(self._history.names, self._history.designs, self._designs)

    @property
    def hashes(self) -> Set[str]:
        """Structural hashes of all designs."""
        return ByKey(self._history.structures, self._history.designs, self._designs).keys()

    @property
    def seeds(self) -> Sequence[Design]:
        """The designs the run started from."""
        return self._history.seeds.below(self._designs)

    @property
    def children(self) -> Sequence[Design]:
        """The designs the run made."""
        return self._history.children.below(self._designs)

    @property
    def sound_children(self) -> int:
        """How many new designs have not failed by their own fault."""
        return len(self.sound) - sum(not self.is_erroneous(seed.name) for seed in self.seeds)

    @cached_property
    def sound(self) -> Sequence[str]:
        """Names of the designs that have not failed by their own fault."""
        history = self._history
        names, designs, reports = history.derived.get("sound", ([], 0, 0))
        latest = designs <= self._designs and reports <= self._reports
        if not latest:
            names, designs, reports = [], 0, 0
        errors = history.errors[
            below(history.errors, reports) : below(history.errors, self._reports)
        ]
        if failed := {history.reports[place].design for place in errors}:
            names = [name for name in names if name not in failed]
        made = history.designs[designs : self._designs]
        names.extend(design.name for design in made if not self.is_erroneous(design.name))
        if latest:
            history.derived["sound"] = names, self._designs, self._reports
        return Prefix(names, len(names))

    @property
    def simulated(self) -> bool:
        """Whether any report was made up by a simulation."""
        return below(self._history.simulated, self._reports) > 0

    def design(self, name: str) -> Design:
        """The design of that name; ``UnknownNameError`` if there is none."""
        found = self.by_name.get(name)
        if found is None:
            raise UnknownNameError("design", name, self.by_name)
        return found

    def place(self, name: str) -> int:
        """The position of a design in ``designs``; ``KeyError`` if there is none of that name."""
        return self.by_name.place(name)

    def reports_of(self, name: str) -> list[VerificationReport]:
        """All reports on a design, oldest first."""
        reports = self._history.reports
        return [reports[place] for place in self._places(name)]

    def verified_scales(self, name: str) -> Set[str]:
        """Scales at which the design was trained and evaluated without error."""
        return self._known("scales", name, None, verified_scales)

    def confidence(self, name: str) -> int:
        """Number of verified scales (sec. 4.3)."""
        return len(self.verified_scales(name))

    def fitness(self, name: str, scale: str | None = None) -> float | None:
        """Fitness over all verified scales (eq. 1, unless the run has other terms), or at one.

        None for a design that is not verified there.
        """
        value = self._known("fitness", name, scale, self._fitness_of)
        weight = self.weights.get(FORECAST)
        if not weight or (foretold := self._foretold(name)) is None:
            return value
        return (value or 0.0) + weight * foretold

    def fitness_error(self, name: str, scale: str | None = None) -> StandardError | None:
        """Standard error of the fitness, as far as it is accuracy; None if it is not known."""
        reports = self.reports_of(name)
        return fitness_error([r for r in reports if scale in (None, r.scale)], self.weights)

    def is_erroneous(self, name: str) -> bool:
        """Whether a verification failed by the design's own fault."""
        return self._history.failed.get(name, self._reports) < self._reports

    def used(self, scale: str, designs: Iterable[str] | None = None) -> int:
        """Verifications, of these designs or all, that count against a scale's budget (alg. 5)."""
        spent = self._history.spent.get(scale, [])
        if designs is None:
            return below(spent, self._reports)
        return sum(
            self._history.reports[place].scale == scale
            and self._history.reports[place].outcome is not Outcome.MACHINE_ERROR
            for name in set(designs)
            for place in self._places(name)
        )

    @cached_property
    def fitnesses(self) -> Floats:
        """Fitness of each design, in their order; NaN for one that is not verified."""
        if self.weights.get(FORECAST):  # every report may change what all others let expect
            values = [self.fitness(design.name) for design in self.designs]
            return np.array(values, dtype=np.float64)
        return self.values("fitness", lambda design, _: self.fitness(design.name))

    @cached_property
    def confidences(self) -> Floats:
        """Number of verified scales of each design, in their order."""
        return self.values("confidence", lambda design, _: self.confidence(design.name))

    def values(self, key: Hashable, of: Value) -> Floats:
        """A number for each design, in their order, that follows from it and its reports alone.

        Only what is new since it was asked for last is computed.

        Args:
            key: Stands for ``of``: whoever asks with the same key has to mean the same function.
            of: Gives the number for a design and its reports, or None.

        Returns:
            (designs,), not to be written to; NaN where there is none.
        """
        history, asked = self._history, ("values", key)
        values, designs, reports = history.derived.get(asked, (np.empty(0), 0, 0))
        latest = designs <= self._designs and reports <= self._reports
        if not latest:
            values, designs, reports = np.empty(0), 0, 0
        changed = {history.reports[place].design for place in range(reports, self._reports)}
        old = {
            history.names[name] for name in changed if history.names.get(name, designs) < designs
        }
        values = np.concatenate([values, np.empty(self._designs - designs)])
        for place in [*old, *range(designs, self._designs)]:
            design = history.designs[place]
            value = of(design, self.reports_of(design.name))
            values[place] = np.nan if value is None else value
        values.flags.writeable = False
        if latest:
            history.derived[asked] = values, self._designs, self._reports
        return values

    @property
    def _is_latest(self) -> bool:
        lengths = (len(self.designs), len(self.reports), len(self.sessions))
        return lengths == self._history.lengths

    @cached_property
    def _fit(self) -> ScalingFit:
        from genesys.population.scaling import ScalingFit

        return ScalingFit(self.reports)

    def _places(self, name: str) -> Sequence[int]:
        places = self._history.reports_of.get(name, [])
        return places[: below(places, self._reports)]

    def _known(
        self,
        kind: str,
        name: str,
        scale: str | None,
        compute: Callable[[list[VerificationReport]], V],
    ) -> V:
        """What follows from the reports on a design (at a scale), computed once for so many."""
        count = below(self._history.reports_of.get(name, []), self._reports)
        asked = (kind, name, scale)
        known = self._history.derived.get(asked)
        if known is None or known[0] != count:
            reports = [r for r in self.reports_of(name) if scale in (None, r.scale)]
            known = self._history.derived[asked] = count, compute(reports)
        value: V = known[1]
        return value

    def _fitness_of(self, reports: list[VerificationReport]) -> float | None:
        return fitness(reports, self.weights)

    def _foretold(self, name: str) -> float | None:
        """Of a design at the scale after its last, the share of text saved; else at its last."""
        rungs = self._fit.rungs(name)
        if not rungs:
            return None
        value = self._fit.forecast(name).value
        return saved(self._fit.point(name, rungs[-1])[1] if value is None else value)
