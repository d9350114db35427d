"""The budget of a run: USD and tokens of language models, and device-hours, under common caps."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, FiniteFloat

from genesys.evolution.settings import settings_of
from genesys.population.purse import Purse
from genesys.records import Record


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
