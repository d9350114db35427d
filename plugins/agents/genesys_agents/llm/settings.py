"""Config group ``llm``: which models the agents use, and how they are called."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

ROLES = ("proposer", "reviewer", "planner", "coder", "observer")
OTHERS = "default"

Share = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Mixture = Annotated[dict[str, Share], Field(min_length=1)]


class Price(BaseModel):
    """What a model costs that litellm has no price for, and how much it takes.

    Attributes:
        input_usd: Per million tokens of input.
        cached_usd: Per million of those that the provider had in its cache; None for no discount.
        output_usd: Per million tokens of output.
        context: Tokens of input and output together that it takes; None if unknown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_usd: Dollars
    cached_usd: Dollars | None = None
    output_usd: Dollars
    context: Annotated[int, Field(ge=1)] | None = None


class LLMSettings(BaseModel):
    """How language models are chosen and called.

    Attributes:
        models: For each role, and for ``default``, the models to draw from with their shares
            (table 11). One model for a role is drawn at the start of a session and stays. In a
            config, a name alone stands for one model with all of the share, and for all roles.
        fallbacks: Models to try in turn where one does not answer.
        api_base: Address of an OpenAI-compatible server; None for the providers' own.
        temperature: Of sampling; None for the model's own.
        max_output_tokens: Most tokens of an answer.
        call_seconds: Most wall time of a call, with all its tries and waiting.
        session_seconds: Most wall time that the calls of a session may take together.
        attempts: Most tries of a call with one model.
        first_wait: Seconds before the second try; each further wait is about twice as long.
        longest_wait: Most seconds between two tries, unless the provider asks for more.
        concurrency: Most calls under way at one provider.
        calls_per_minute: Most calls a minute at one provider; None for no limit.
        prices: By model, for those that litellm has no price for.
        session_usd: Most that a session may cost.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: dict[str, Mixture]
    fallbacks: list[str] = []
    api_base: str | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_output_tokens: Annotated[int, Field(ge=1)] = 16384
    call_seconds: Seconds = 600.0
    session_seconds: Seconds = 7200.0
    attempts: Annotated[int, Field(ge=1)] = 6
    first_wait: Seconds = 1.0
    longest_wait: Seconds = 60.0
    concurrency: Annotated[int, Field(ge=1)] = 8
    calls_per_minute: Annotated[float, Field(gt=0)] | None = None
    prices: dict[str, Price] = {}
    session_usd: Dollars = 5.0

    @field_validator("models", mode="before")
    @classmethod
    def _spelled_out(cls, models: Any) -> Any:
        """A name stands for a mixture of one model, and for all roles."""
        by_role = models if isinstance(models, Mapping) else {OTHERS: models}
        return {
            role: {mixture: 1.0} if isinstance(mixture, str) else mixture
            for role, mixture in by_role.items()
        }

    @field_validator("models")
    @classmethod
    def _whole(cls, models: dict[str, Mixture]) -> dict[str, Mixture]:
        known = (*ROLES, OTHERS)
        if strangers := sorted(set(models) - set(known)):
            raise ValueError(f"no role named {strangers[0]!r}; there are {', '.join(known)}")
        if missing := sorted(set(ROLES) - set(models)) if OTHERS not in models else []:
            raise ValueError(f"no model for {missing[0]!r}, and none for {OTHERS!r}")
        if empty := [role for role, mixture in models.items() if not sum(mixture.values())]:
            raise ValueError(f"the shares of {empty[0]!r} are all 0")
        return models

    @property
    def all_models(self) -> list[str]:
        """Every model that a session may use, in a fixed order."""
        drawn = [m for mixture in self.models.values() for m, share in mixture.items() if share]
        return list(dict.fromkeys([*drawn, *self.fallbacks]))

    def model(self, role: str, seed: int) -> str:
        """The model that has a role in a session.

        Args:
            role: One of ``ROLES``.
            seed: Of the session.
        """
        mixture = self.models.get(role) or self.models[OTHERS]
        return Random(f"{seed}/model/{role}").choices(list(mixture), list(mixture.values()))[0]
