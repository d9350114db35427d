"""One try of one call, through litellm."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from genesys.errors import ConfigError
from genesys.secrets import hide_secrets
from genesys.services import Loop, retry_after
from genesys.services import litellm as _litellm
from genesys.tape import Message
from genesys_agents.llm.errors import CallFailedError, ContextOverflowError, TransientError
from genesys_agents.llm.pricing import Usage

LOOP = Loop("llm")  # that all sessions of the process share

# Seconds; ours is the timeout that counts. litellm keeps a client with its connections for each.
_NEVER = 86_400.0
_OTHER_WAYS_IN = {"azure", "azure_ai", "bedrock", "vertex_ai"}

# As providers and servers of one's own put it.
_TOO_LONG = re.compile(r"(context|prompt|input).{0,40}(length|size|window|long)", re.IGNORECASE)


@dataclass(frozen=True)
class Request:
    """What is sent.

    Attributes:
        model: As litellm names it.
        messages: The conversation.
        parameters: ``max_tokens`` and whatever else the model takes.
        api_base: Address of a server, or None for the provider's own.
        seconds: After which it is given up.
    """

    model: str
    messages: Sequence[Message]
    parameters: Mapping[str, Any]
    api_base: str | None
    seconds: float


@dataclass(frozen=True)
class Reply:
    """What came back.

    Attributes:
        text: The answer.
        usage: Its tokens.
        usd: What it cost, if litellm knows the model's price.
        refused: Whether the provider withheld the answer for what it says.
        cut: Whether the answer reached the most tokens of an answer.
    """

    text: str
    usage: Usage
    usd: float | None = None
    refused: bool = False
    cut: bool = False


class Provider(Protocol):
    """Sends requests."""

    def provider_of(self, model: str) -> str:
        """Who serves a model; limits hold for each of them."""

    def missing_keys(self, model: str, api_base: str | None) -> list[str]:
        """Environment variables that a model needs and that are not set.

        Raises:
            ConfigError: Nobody serves it.
        """

    def follows_schemas(self, model: str) -> bool:
        """Whether a model can be held to a JSON schema."""

    def complete(self, request: Request) -> Coroutine[Any, Any, Reply]:
        """Try once.

        Raises:
            TransientError: It may work another time.
            CallFailedError: It will not work.
            ConfigError: No call will work: a wrong key, an unknown model, no money.
        """


class LiteLLM:
    """Any model that litellm reaches. Keys come from the environment, as litellm documents."""

    def provider_of(self, model: str) -> str:
        """Who serves a model.

        Raises:
            ConfigError: litellm does not know.
        """
        litellm = _litellm()
        try:
            return str(litellm.get_llm_provider(model)[1])
        except litellm.exceptions.BadRequestError:
            raise ConfigError(
                f"litellm knows no model {model!r}. Write it as <provider>/<model>, e.g. "
                "anthropic/claude-sonnet-5, ollama/llama3, or openai/<name> with llm.api_base "
                "for a server of your own."
            ) from None

    def missing_keys(self, model: str, api_base: str | None) -> list[str]:
        """What litellm misses of keys, where there is no other way in.

        Clouds have roles and tokens besides, a server of one's own may want nothing.

        Raises:
            ConfigError: litellm does not know who serves the model.
        """
        if self.provider_of(model) in _OTHER_WAYS_IN or api_base:
            return []
        missing = _litellm().validate_environment(model)["missing_keys"]
        return [name for name in missing if name.endswith("_API_KEY")]

    def follows_schemas(self, model: str) -> bool:
        """Whether it can be held to a JSON schema: litellm says so, of models that it knows."""
        litellm = _litellm()
        try:
            return bool(litellm.supports_response_schema(model)) and model in litellm.model_cost
        except Exception:  # litellm raises what it pleases
            return False

    async def complete(self, request: Request) -> Reply:
        """See :class:`Provider`."""
        litellm = _litellm()
        own_server: dict[str, Any] = {}
        if request.api_base:
            key = os.environ.get("OPENAI_API_KEY", "none")  # such servers rarely ask for one
            own_server = {"api_base": request.api_base, "api_key": key}
        try:
            async with asyncio.timeout(request.seconds):
                answer = await litellm.acompletion(
                    model=request.model,
                    messages=[{"role": m.author, "content": m.text} for m in request.messages],
                    timeout=_NEVER,
                    num_retries=0,
                    max_retries=0,
                    drop_params=True,
                    **own_server,
                    **request.parameters,
                )
        except TimeoutError:
            raise TransientError(f"no answer within {request.seconds:.0f} s") from None
        except Exception as error:
            raise _understood(error, request.model) from None
        return _reply(answer, request)


def price_of(model: str) -> tuple[float, float, int | None] | None:
    """Most USD of a token of input and of output, and the context; None where nobody knows."""
    litellm = _litellm()
    try:
        known = litellm.get_model_info(model)
    except Exception:  # litellm raises what it pleases
        return None
    prices = known.get("input_cost_per_token"), known.get("output_cost_per_token")
    if None in prices or known.get("max_input_tokens") is None:
        return None
    most_input = max(prices[0], known.get("cache_creation_input_token_cost") or 0.0)
    return most_input, prices[1], known["max_input_tokens"]


def _reply(answer: Any, request: Request) -> Reply:
    choices = getattr(answer, "choices", None) or []
    text = (choices[0].message.content or "") if choices else ""
    finish = choices[0].finish_reason if choices else ""
    return Reply(
        text=_clean(text),
        usage=_usage(answer, request, text),
        usd=_cost(answer),
        refused=finish == "content_filter",
        cut=finish == "length",
    )


def _usage(answer: Any, request: Request, text: str) -> Usage:
    usage = getattr(answer, "usage", None)
    if usage is None or not usage.prompt_tokens:  # some servers do not count
        sent = sum(len(m.text.encode()) for m in request.messages)
        return Usage(sent // 3, 0, len(text.encode()) // 3)
    details = getattr(usage, "prompt_tokens_details", None)
    cached = (getattr(details, "cached_tokens", None) or 0) if details else 0
    return Usage(usage.prompt_tokens, min(cached, usage.prompt_tokens), usage.completion_tokens)


def _cost(answer: Any) -> float | None:
    try:
        return float(_litellm().completion_cost(completion_response=answer))
    except Exception:  # a model without a price
        return None


def _clean(text: str) -> str:
    """The text without what no store takes: halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _understood(error: Exception, model: str) -> Exception:
    """What an error of litellm means for a call."""
    of = _litellm().exceptions
    told = hide_secrets(" ".join(str(error).split())[:500])
    if isinstance(error, of.PaymentRequiredError) or "insufficient_quota" in str(error):
        return ConfigError(f"The account for {model} has no money left: {told}")
    if getattr(error, "status_code", None) in {401, 403}:
        return ConfigError(
            f"The provider of {model} refuses the key; docs/agents.md tells how to set it: {told}"
        )
    if isinstance(error, of.BadRequestError) and _TOO_LONG.search(told):
        return ContextOverflowError(f"{model} takes no messages so long: {told}")
    meanings: list[tuple[tuple[type[Exception], ...], type[Exception], str]] = [
        ((of.ContentPolicyViolationError,), CallFailedError, "{} refused"),
        ((of.NotFoundError,), ConfigError, "The provider knows no model {}"),
        (
            (of.BadRequestError, of.UnprocessableEntityError),
            CallFailedError,
            "{} takes no such call",
        ),
    ]
    for kinds, meaning, what in meanings:
        if isinstance(error, kinds):
            return meaning(f"{what.format(model)}: {told}")
    headers = getattr(error, "litellm_response_headers", None) or {}
    return TransientError(told, retry_after(headers))
