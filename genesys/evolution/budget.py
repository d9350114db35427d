"""The budget of a run: USD and tokens of language models, and device-hours, under common caps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field, FiniteFloat

from genesys.evolution.settings import settings_of
from genesys.evolution.tally import Tally, nearest
from genesys.population.ledger import Entry, JobKind
from genesys.population.purse import Purse
from genesys.records import Record, Scale

HOUR = 3600.0


class BudgetSettings(Record):
    """Config group ``budget``. None is no cap.

    Attributes:
        usd: Most that a run's calls of language models may cost.
        tokens: Most that they may take, in and out.
        device_hours: Most hours of devices that verifications may take, failed attempts included.
    """

    usd: Annotated[FiniteFloat, Field(ge=0)] | None = 50.0
    tokens: Annotated[int, Field(ge=0)] | None = None
    device_hours: Annotated[FiniteFloat, Field(ge=0)] | None = None

    @classmethod
    def of(cls, config: Any) -> BudgetSettings:
        """Settings from a config; see :func:`settings_of`."""
        return settings_of("budget", cls, config)

    @property
    def purse(self) -> Purse:
        """A purse with these caps, from which nothing is spent yet."""
        return Purse(self.usd, self.tokens)


class Budget:
    """Whether there is enough left for a further job.

    A verification under way counts with what one takes on average, so that workers at the same time
    cannot add up to more than the cap but by what the last ones take above their average. A session
    counts with what it has spent: the purse looks at each of its calls.

    Args:
        settings: The caps.
        purse: What calls of language models have cost; of the run.
        entries: Of the run's ledger; what is appended later counts, too.
        scales: The ladder, smallest first.
    """

    def __init__(
        self,
        settings: BudgetSettings,
        purse: Purse,
        entries: Sequence[Entry],
        scales: Sequence[Scale],
    ) -> None:
        self.settings, self._purse, self._scales = settings, purse, scales
        self._tally = Tally(entries)

    @classmethod
    def without_caps(cls, entries: Sequence[Entry], scales: Sequence[Scale]) -> Budget:
        """One that refuses nothing."""
        settings = BudgetSettings(usd=None)
        return cls(settings, settings.purse, entries, scales)

    def refuses(self, kind: JobKind, scale: str = "") -> str:
        """Why no further job of a kind may begin now; empty if one may.

        Args:
            kind: Of the job.
            scale: Name of the scale of a verification.
        """
        self._tally.catch_up()
        return self._no_verification(scale) if kind is JobKind.VERIFICATION else self._no_session()

    def _no_session(self) -> str:
        spent = (
            ("USD", "usd", self._purse.usd, self.settings.usd),
            ("tokens", "tokens", self._purse.tokens, self.settings.tokens),
        )
        for unit, key, amount, most in spent:
            if most is not None and 0 < amount >= most:
                return f"the run's {most:,.15g} {unit} are spent (budget.{key})"
        return ""

    def _no_verification(self, scale: str) -> str:
        most = self.settings.device_hours
        if most is None:
            return ""
        spent = self._tally.device_seconds / HOUR
        if spent >= most:
            return f"the run's {most:g} device-hours are spent (budget.device_hours)"
        taken = spent + sum(
            self._hours(entry.scale)
            for entry in self._tally.under_way.values()
            if entry.work is JobKind.VERIFICATION
        )
        if taken + (hours := self._hours(scale)) > most:
            return (
                f"a verification at {scale} takes about {hours:.3g} device-hours, and {taken:.3g} "
                f"of the run's {most:g} are spent or under way (budget.device_hours)"
            )
        return ""

    def _hours(self, scale: str) -> float:
        """Device-hours of a verification, as far as they are known."""
        found = nearest(self._tally.verifications, scale, self._scales)
        return found.mean / HOUR if found else 0.0
