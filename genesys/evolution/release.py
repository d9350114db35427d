"""Which designs a rung is open to, of those that have finished the one below."""

from __future__ import annotations

from collections.abc import Container, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from genesys.errors import ConfigError
from genesys.records import Outcome, Scale

if TYPE_CHECKING:
    from genesys.evolution.ladder import Rung
    from genesys.population.population import Population


class Release(Protocol):
    """How many trials are released is the ladder's; whom they are for is decided here."""

    def accept(self, scales: Sequence[Scale]) -> None:
        """Look whether it can work with these scales, smallest first; ``ConfigError`` if not."""

    def barred(self, population: Population, below: Rung, rung: Rung) -> Container[str]:
        """Names of designs that may not enter a rung now, though they have finished the one below.

        A rung must not starve: where a trial is released and a child waits, one may enter.
        """


class Pyramid:
    """All that have finished the rung below; the selector chooses (alg. 5)."""

    def accept(self, scales: Sequence[Scale]) -> None:
        """Any ladder will do."""

    def barred(self, population: Population, below: Rung, rung: Rung) -> Container[str]:
        """None."""
        return ()


class Halving(Release):
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

    def barred(self, population: Population, below: Rung, rung: Rung) -> Container[str]:
        """All but the best children, by their fitness at the rung below."""
        scale = below.scale.name
        seeds = {seed.name for seed in population.seeds}
        ranked = sorted(
            {
                report.design: population.fitness(report.design, scale)
                for report in population.reports
                if report.scale == scale
                and report.outcome is Outcome.OK
                and report.design not in seeds
            }.items(),
            key=lambda item: float("-inf") if item[1] is None else item[1],
            reverse=True,
        )
        share = int(below.used / self._eta) if self._eta else 0
        return {name for name, _ in ranked[max(share, rung.released) :]}
