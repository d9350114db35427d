"""The population: a read-only view of an evolution tree at one moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from genesys.errors import UnknownNameError
from genesys.population.fitness import (
    EQUATION_1,
    Weights,
    confidence,
    fitness,
    fitness_error,
    verified_scales,
)
from genesys.population.terms import FORECAST, saved
from genesys.population.uncertainty import StandardError
from genesys.records import Design, Operator, Outcome, Session, VerificationReport

if TYPE_CHECKING:
    from genesys.population.scaling import ScalingFit


class Population:
    """All designs with their sessions and reports, in the order in which they were made.

    Args:
        designs: Seeds first, then children by index.
        reports: Verification reports, oldest first.
        sessions: Design sessions, oldest first.
        weights: Of the fitness's terms.
    """

    def __init__(
        self,
        designs: Iterable[Design] = (),
        reports: Iterable[VerificationReport] = (),
        sessions: Iterable[Session] = (),
        weights: Weights = EQUATION_1,
    ) -> None:
        self.designs: Sequence[Design] = tuple(designs)
        self.reports: Sequence[VerificationReport] = tuple(reports)
        self.sessions: Sequence[Session] = tuple(sessions)
        self.weights = weights
        self._fitness: dict[tuple[str, str | None], float | None] = {}

    @cached_property
    def by_name(self) -> Mapping[str, Design]:
        """All designs by name."""
        return {design.name: design for design in self.designs}

    @cached_property
    def _reports_by_design(self) -> dict[str, list[VerificationReport]]:
        grouped = defaultdict(list)
        for report in self.reports:
            grouped[report.design].append(report)
        return grouped

    @cached_property
    def hashes(self) -> frozenset[str]:
        """Structural hashes of all designs."""
        return frozenset(design.structural_hash for design in self.designs)

    @cached_property
    def simulated(self) -> bool:
        """Whether any report was made up by a simulation."""
        return any(report.simulated for report in self.reports)

    @cached_property
    def _fit(self) -> ScalingFit:
        from genesys.population.scaling import ScalingFit

        return ScalingFit(self.reports)

    @property
    def seeds(self) -> list[Design]:
        """The designs the run started from."""
        return [d for d in self.designs if d.operator is Operator.SEED]

    @property
    def children(self) -> list[Design]:
        """The designs the run made."""
        return [d for d in self.designs if d.operator is not Operator.SEED]

    def design(self, name: str) -> Design:
        """The design of that name; ``UnknownNameError`` if there is none."""
        if name not in self.by_name:
            raise UnknownNameError("design", name, self.by_name)
        return self.by_name[name]

    def reports_of(self, name: str) -> list[VerificationReport]:
        """All reports on a design, oldest first."""
        return list(self._reports_by_design.get(name, ()))

    def verified_scales(self, name: str) -> set[str]:
        """Scales at which the design was trained and evaluated without error."""
        return verified_scales(self.reports_of(name))

    def confidence(self, name: str) -> int:
        """Number of verified scales (sec. 4.3)."""
        return confidence(self.reports_of(name))

    def fitness(self, name: str, scale: str | None = None) -> float | None:
        """Fitness over all verified scales (eq. 1, unless the run has other terms), or at one.

        None for a design that is not verified there.
        """
        asked = (name, scale)
        if asked not in self._fitness:
            self._fitness[asked] = self._fitness_of(*asked)
        return self._fitness[asked]

    def fitness_error(self, name: str, scale: str | None = None) -> StandardError | None:
        """Standard error of the fitness, as far as it is accuracy; None if it is not known."""
        return fitness_error(self._reports(name, scale), self.weights)

    def grown(
        self,
        designs: Iterable[Design] = (),
        reports: Iterable[VerificationReport] = (),
        sessions: Iterable[Session] = (),
    ) -> Population:
        """The population with these added."""
        return Population(
            [*self.designs, *designs],
            [*self.reports, *reports],
            [*self.sessions, *sessions],
            self.weights,
        )

    def is_erroneous(self, name: str) -> bool:
        """Whether a verification failed by the design's own fault."""
        return any(r.outcome is Outcome.DESIGN_ERROR for r in self.reports_of(name))

    def used(self, scale: str, designs: Container[str] | None = None) -> int:
        """Verifications, of these designs or all, that count against a scale's budget (alg. 5)."""
        return sum(
            report.scale == scale
            and report.outcome is not Outcome.MACHINE_ERROR
            and (designs is None or report.design in designs)
            for report in self.reports
        )

    def _fitness_of(self, name: str, scale: str | None) -> float | None:
        value = fitness(self._reports(name, scale), self.weights)
        weight = self.weights.get(FORECAST)
        if not weight or (foretold := self._foretold(name)) is None:
            return value
        return (value or 0.0) + weight * foretold

    def _reports(self, name: str, scale: str | None) -> list[VerificationReport]:
        return [r for r in self.reports_of(name) if scale in (None, r.scale)]

    def _foretold(self, name: str) -> float | None:
        """Of a design at the scale after its last, the share of text saved; else at its last."""
        rungs = self._fit.rungs(name)
        if not rungs:
            return None
        value = self._fit.forecast(name).value
        return saved(self._fit.point(name, rungs[-1])[1] if value is None else value)
