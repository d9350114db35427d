"""What calls cost: litellm's price map, and the config's prices for models it does not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from genesys.errors import ConfigError
from genesys.tape import Message
from genesys_agents.llm.settings import LLMSettings, Price

# What a chat format adds to a message, at most.
_TOKENS_PER_MESSAGE = 16


@dataclass(frozen=True)
class Usage:
    """Tokens of a call: all of the input, those of it that were cached, and the output."""

    input_tokens: int
    cached_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class WorstCase:
    """The most that a call can cost and take, in USD and in tokens in and out."""

    usd: float
    tokens: int


class Prices:
    """What models cost; looked up when it is asked for. All methods raise for an unknown model.

    Raises:
        ConfigError: A model has no price.
    """

    def __init__(self, settings: LLMSettings) -> None:
        self._most_output = settings.max_output_tokens
        self._own = settings.prices
        self._known: dict[str, Price] = {}

    def cost(self, model: str, usage: Usage, told: float | None = None) -> float:
        """USD of a call.

        Args:
            model: The model.
            usage: Its tokens.
            told: What litellm makes of the answer; the config's own price goes before it.
        """
        if told is not None and model not in self._own:
            return told
        price = self._price(model)
        cached = price.input_usd if price.cached_usd is None else price.cached_usd
        fresh = usage.input_tokens - usage.cached_tokens
        micro = fresh * price.input_usd + usage.cached_tokens * cached
        return (micro + usage.output_tokens * price.output_usd) / 1e6

    def worst_case(self, model: str, messages: Sequence[Message]) -> WorstCase:
        """The most that a call can cost: a token has at least one byte."""
        size = sum(len(m.text.encode()) + _TOKENS_PER_MESSAGE for m in messages)
        price = self._price(model)
        usd = (size * price.input_usd + self._most_output * price.output_usd) / 1e6
        return WorstCase(usd, size + self._most_output)

    def context(self, model: str) -> int | None:
        """Tokens that the model takes, if known."""
        return self._price(model).context

    def _price(self, model: str) -> Price:
        if model in self._own:
            return self._own[model]
        if model not in self._known:
            self._known[model] = self._look_up(model)
        return self._known[model]

    def _look_up(self, model: str) -> Price:
        from genesys_agents.llm.provider import price_of

        found = price_of(model)
        if found is None:
            raise ConfigError(
                f"litellm has no price for {model!r}. Set one, in USD per million tokens, 0 for a "
                f"server of your own: '+llm.prices={{{model}: {{input_usd: 0, output_usd: 0}}}}'."
            )
        per_input, per_output, context = found
        return Price(input_usd=per_input * 1e6, output_usd=per_output * 1e6, context=context)
