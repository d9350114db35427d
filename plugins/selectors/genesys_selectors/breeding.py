"""What selectors have in common: they differ in how they pick designs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from genesys.markers import hookimpl
from genesys.population.population import Population
from genesys.records import Operator, Outcome, Role, Selection
from genesys_selectors.operators import PARENTS, OperatorChoice
from genesys_selectors.parameters import Count, parameters


class Picked(NamedTuple):
    """Names of designs, and why they and no others."""

    designs: list[str]
    why: str


@parameters
class Breeding(OperatorChoice, ABC):
    """Draws the operator of a child, asks for its parents, and draws what else is shown.

    Attributes:
        references: Other designs, drawn at random, to show a designer.
    """

    references: Count = 2

    @hookimpl
    def select(
        self, population: Population, role: Role, candidates: Sequence[str], rng: Random
    ) -> Selection | None:
        """See ``genesys.hookspecs.select``."""
        if role is Role.DESIGNER:
            return self.bred(population, candidates, rng)
        picked = self.informed(population, role, candidates, 1, rng)
        if not picked.designs:
            return None
        return Selection(operator=Operator.SEED, designs=picked.designs, why=picked.why)

    def bred(self, population: Population, candidates: Sequence[str], rng: Random) -> Selection:
        """How the next child is made, of which parents."""
        operator, how = self.operator(population, len(candidates), rng)
        count = PARENTS[operator]
        picked = Picked([], "")
        if count:
            picked = self.informed(population, Role.DESIGNER, candidates, count, rng)
        return self.selection(operator, how, picked, candidates, rng)

    def selection(
        self, operator: Operator, how: str, picked: Picked, candidates: Sequence[str], rng: Random
    ) -> Selection:
        """A designer's selection, with the references that are shown besides."""
        drawn = rng.sample(candidates, min(self.references + len(picked.designs), len(candidates)))
        shown = [name for name in drawn if name not in picked.designs][: self.references]
        why = "; ".join(filter(None, [how, picked.why]))
        return Selection(operator=operator, designs=picked.designs, references=shown, why=why)

    def operator(
        self, population: Population, candidates: int, rng: Random
    ) -> tuple[Operator, str]:
        """How the next child is made, and why so."""
        return self.draw(len(population.sessions), candidates, rng)

    def informed(
        self, population: Population, role: Role, candidates: Sequence[str], count: int, rng: Random
    ) -> Picked:
        """What is picked, if anything is known; any candidate if nothing is verified yet."""
        if any(report.outcome is Outcome.OK for report in population.reports):
            return self.pick(population, role, candidates, count, rng)
        return at_random(candidates, count, rng)

    @abstractmethod
    def pick(
        self,
        population: Population,
        role: Role,
        candidates: Sequence[str],
        count: int,
        rng: Random,
    ) -> Picked:
        """So many different candidates, or as many as there are."""


def at_random(candidates: Sequence[str], count: int, rng: Random) -> Picked:
    """So many different candidates, or as many as there are, all alike."""
    picked = rng.sample(candidates, min(count, len(candidates)))
    return Picked(picked, f"drawn from {len(candidates)} at random")
