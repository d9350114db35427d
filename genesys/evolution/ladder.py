"""The ladder of scales: which verifications the budget allows (sec. 4.3, alg. 5)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from genesys.errors import ConfigError
from genesys.evolution.release import Halving, Pyramid, Release
from genesys.population.population import Population
from genesys.records import Design, Outcome, Record, Scale, VerificationReport


@dataclass(frozen=True)
class Rung:
    """A scale with the state of its budget.

    Attributes:
        scale: What is trained here.
        used: Verifications spent.
        released: Verifications that may have been spent by now, of ``scale.trials`` in the end.
        under_way: Verifications that were begun and have not ended.
    """

    scale: Scale
    used: int
    released: int
    under_way: int = 0

    @property
    def available(self) -> int:
        """Verifications that may be begun now."""
        return max(0, self.released - self.used - self.under_way)


class LadderSettings(Record):
    """Config group ``ladder``.

    Attributes:
        name: Of the ladder.
        scales: Smallest first.
        release: For which designs a higher rung's trials are.
        eta: With ``halving``, one in so many designs is promoted; None: by the trials.
    """

    name: str = ""
    scales: list[Scale]
    release: Literal["pyramid", "halving"] = "pyramid"
    eta: float | None = None

    def ladder(self) -> Ladder:
        """The ladder.

        Raises:
            ConfigError: They make none.
        """
        if self.release == "halving":
            return Ladder(self.scales, Halving(self.eta))
        if self.eta is not None:
            raise ConfigError("ladder.eta needs ladder.release=halving.")
        return Ladder(self.scales)


class Ladder:
    """The ordered scales with the trials each may spend.

    A rung's trials are released in proportion to those used on the rung below, so that none is
    gone before there is a choice of designs. A design climbs rung by rung.

    Args:
        scales: Smallest first. Scales without trials at the end are no rungs.
        release: For which designs they are.

    Raises:
        ConfigError: No scale has trials, a rung has more than the one below, two have a name, or
            the release cannot work with them.
    """

    def __init__(self, scales: Iterable[Scale], release: Release | None = None) -> None:
        self.scales = tuple(scales)
        self._release = release or Pyramid()
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
        self._release.accept(self.scales)

    def times(self, generations: int) -> Ladder:
        """The ladder with the trials of so many generations."""
        scales = [
            scale.model_copy(update={"trials": generations * scale.trials}) for scale in self.scales
        ]
        return Ladder(scales, self._release)

    def used(self, population: Population) -> int:
        """Verifications spent on all scales."""
        return sum(population.used(scale.name) for scale in self.scales)

    def rungs(
        self, population: Population, under_way: Mapping[str, str] | None = None
    ) -> list[Rung]:
        """The scales that have trials, with what is used and released of them.

        A verification under way takes a trial of its own rung at once, so that no number of workers
        overspends it. It releases none above before it has ended: the machine may yet fail, and
        what it would have released could not be taken back.

        Args:
            population: All that is committed.
            under_way: Verifications under way: design by design the name of the scale.
        """
        begun = Counter((under_way or {}).values())
        rungs: list[Rung] = []
        for scale in self.scales:
            if not scale.trials:
                break
            below = rungs[-1] if rungs else None
            released = below.used * scale.trials // below.scale.trials if below else scale.trials
            used = population.used(scale.name)
            rungs.append(Rung(scale, used, released, begun[scale.name]))
        return rungs

    def open(self, population: Population, under_way: Mapping[str, str]) -> dict[str, Scale]:
        """The designs that may be verified now, each with the lowest scale that it lacks.

        Left out are designs under way, those that failed by their own fault, those at the top, and
        those whose next rung has nothing to spend, or is not released for them.

        Args:
            population: All that is committed.
            under_way: Verifications under way: design by design the name of the scale.

        Returns:
            In the order of the population.
        """
        rungs = self.rungs(population, under_way)
        names = tuple(rung.scale.name for rung in rungs)
        lowest = population.values(("lowest unverified", names), partial(_lowest, names))
        may = np.zeros(len(population.designs), bool)
        for number, rung in enumerate(rungs):
            if rung.available:
                there = lowest == number
                if number:
                    there &= self._release.admits(population, rungs[number - 1], rung)
                may |= there
        designs = list(population.designs)
        found = zip(np.flatnonzero(may).tolist(), lowest[may].astype(int).tolist(), strict=True)
        named = ((designs[place].name, rungs[number].scale) for place, number in found)
        return {name: scale for name, scale in named if name not in under_way}


def _lowest(
    scales: Sequence[str], design: Design, reports: Sequence[VerificationReport]
) -> float | None:
    """Position of the first scale that a design lacks; None if it lacks none, or has failed."""
    if any(report.outcome is Outcome.DESIGN_ERROR for report in reports):
        return None
    verified = {report.scale for report in reports if report.outcome is Outcome.OK}
    return next((i for i, scale in enumerate(scales) if scale not in verified), None)
