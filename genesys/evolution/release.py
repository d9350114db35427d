"""Which designs a rung is open to, of those that have finished the one below."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from genesys.errors import ConfigError
from genesys.records import Design, Operator, Scale, VerificationReport

if TYPE_CHECKING:
    from genesys.evolution.ladder import Rung
    from genesys.population.population import Population

Flags = NDArray[np.bool_]


class Release(Protocol):
    """How many trials are released is the ladder's; whom they are for is decided here."""

    def accept(self, scales: Sequence[Scale]) -> None:
        """Look whether it can work with these scales, smallest first; ``ConfigError`` if not."""

    def admits(self, population: Population, below: Rung, rung: Rung) -> Flags:
        """Whether each design may enter a rung now, if it has finished the one below, (designs,).

        A rung must not starve: where a trial is released and a child waits, one may enter.
        """


class Pyramid:
    """All that have finished the rung below; the selector chooses (alg. 5)."""

    def accept(self, scales: Sequence[Scale]) -> None:
        """Any ladder will do."""

    def admits(self, population: Population, below: Rung, rung: Rung) -> Flags:
        """All may."""
        return np.ones(len(population.designs), bool)


class Halving:
    """The best share of those that have finished the rung below, as they stand now.

    Successive halving that does not wait for a rung to fill (ASHA; Li et al. 2020, 1810.05934). Two
    things differ. The ladder's budgets bound it, as a design that was among the best when it
    entered may not be later. And seeds take no place: they are what the others are measured by, and
    how many trials they get is set elsewhere.

    Args:
        eta: One in so many is promoted. None: as many as there are trials, the strictest share that
            leaves none over.
    """

    def __init__(self, eta: float | None = None) -> None:
        if eta is not None and not eta >= 1:
            raise ConfigError(f"The ladder promotes one in eta designs: {eta} is not 1 or more.")
        self._eta = eta

    def accept(self, scales: Sequence[Scale]) -> None:
        """See ``Release.accept``: a share smaller than the trials would leave some unspent."""
        for below, scale in pairwise(scales):
            if self._eta and scale.trials and self._eta * scale.trials > below.trials:
                raise ConfigError(
                    f"ladder.eta={self._eta:g} promotes fewer designs than {scale.name} has trials "
                    f"for ({scale.trials} after {below.trials} at {below.name}). Give at most "
                    f"{below.trials / scale.trials:.4g}, or null for as many as there are trials."
                )

    def admits(self, population: Population, below: Rung, rung: Rung) -> Flags:
        """The best children by their fitness at the rung below, and the seeds."""
        scale = below.scale.name
        score = population.values(("standing at", scale), partial(_standing, population, scale))
        share = int(below.used / self._eta) if self._eta else 0
        best = np.argsort(-score, kind="stable")[: max(share, rung.released)]
        admitted = np.isnan(score)
        admitted[best] = True
        return admitted


def _standing(
    population: Population, scale: str, design: Design, _: Sequence[VerificationReport]
) -> float | None:
    """Fitness of a child that is verified at a scale, the least if it has none; else None."""
    if design.operator is Operator.SEED or scale not in population.verified_scales(design.name):
        return None
    value = population.fitness(design.name, scale)
    return float("-inf") if value is None else value
