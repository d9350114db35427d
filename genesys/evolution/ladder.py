"""The ladder of scales: which verifications the budget allows (sec. 4.3, alg. 5)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from genesys.errors import ConfigError
from genesys.population.population import Population
from genesys.records import Scale


@dataclass(frozen=True)
class Rung:
    """A scale with the state of its budget.

    Attributes:
        scale: What is trained here.
        used: Verifications spent.
        released: Verifications that may have been spent by now, of ``scale.trials`` in the end.
    """

    scale: Scale
    used: int
    released: int

    @property
    def available(self) -> int:
        """Verifications that may be spent now."""
        return max(0, self.released - self.used)


class Ladder:
    """The ordered scales with the trials each may spend.

    A rung's trials are released in proportion to those used on the rung below, so that none is
    gone before there is a choice of designs. A design climbs rung by rung.

    Args:
        scales: Smallest first. Scales without trials at the end are no rungs.

    Raises:
        ConfigError: No scale has trials, a rung has more than the one below, or two have a name.
    """

    def __init__(self, scales: Iterable[Scale]) -> None:
        self.scales = tuple(scales)
        names = [scale.name for scale in self.scales]
        trials = [scale.trials for scale in self.scales]
        if len(set(names)) < len(names):
            raise ConfigError(f"Two scales of the ladder have one name: {', '.join(names)}.")
        if wrong := [name for name in names if not re.fullmatch(r"\w[\w.+-]*", name)]:
            raise ConfigError(f"A scale's name is made of letters, digits and .+-_: {wrong[0]!r}.")
        if not trials or trials[0] == 0:
            raise ConfigError("The ladder's first scale needs at least one trial.")
        if trials != sorted(trials, reverse=True):
            raise ConfigError(f"A ladder narrows upwards, but its trials are {trials}.")

    def times(self, generations: int) -> Ladder:
        """The ladder with the trials of so many generations."""
        return Ladder(
            scale.model_copy(update={"trials": generations * scale.trials}) for scale in self.scales
        )

    def used(self, population: Population) -> int:
        """Verifications spent on all scales."""
        return sum(population.used(scale.name) for scale in self.scales)

    def rungs(self, population: Population) -> list[Rung]:
        """The scales that have trials, with what is used and released of them."""
        rungs: list[Rung] = []
        for scale in self.scales:
            if not scale.trials:
                break
            below = rungs[-1] if rungs else None
            released = below.used * scale.trials // below.scale.trials if below else scale.trials
            rungs.append(Rung(scale, population.used(scale.name), released))
        return rungs

    def next_scale(self, population: Population, design: str) -> Scale | None:
        """The lowest scale at which a design is unverified, if its budget allows.

        None for a design that failed by its own fault, or has reached the top.
        """
        if population.is_erroneous(design):
            return None
        verified = population.verified_scales(design)
        for rung in self.rungs(population):
            if rung.scale.name not in verified:
                return rung.scale if rung.available else None
        return None
