"""Calls of a session: found on its tape, or made within time and money, and kept there."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_any,
    stop_before_delay,
    wait_exponential_jitter,
)

from genesys.errors import ConfigError
from genesys.records import SessionEnd
from genesys.secrets import hide_secrets
from genesys.session import AbandonedError
from genesys.tape import Call, CallEnd, Message, Tape
from genesys_agents.llm.caps import within_caps
from genesys_agents.llm.errors import CallFailedError, ContextOverflowError, TransientError
from genesys_agents.llm.limits import Limits
from genesys_agents.llm.pricing import Prices
from genesys_agents.llm.provider import LOOP, Provider, Reply, Request
from genesys_agents.llm.settings import LLMSettings

# Stands at the end of an answer that reached the most tokens of an answer.
CUT_OFF = "[cut off here: the answer reached the most tokens that it may have]"
# An answer with more is longer than its tokens can be.
_CHARACTERS_PER_TOKEN = 64


@dataclass(frozen=True)
class Traits:
    """What prompts depend on of a model. A session's tape keeps it: a replay asks nobody.

    Attributes:
        context: Tokens of input and output together that it takes; None if unknown.
        follows_schemas: Whether it can be held to a JSON schema.
    """

    context: int | None
    follows_schemas: bool


class Models:
    """What the calls of all sessions share: settings, prices and limits.

    Args:
        settings: Config group ``llm``.
        provider: Sends requests.
    """

    def __init__(self, settings: LLMSettings, provider: Provider) -> None:
        self.settings, self.provider = settings, provider
        self.prices, self.limits = Prices(settings), Limits(settings)

    def session(self, tape: Tape, seed: int) -> Caller:
        """For the calls of one session."""
        return Caller(self, tape, seed)

    def traits(self, model: str) -> Traits:
        """What prompts depend on of a model.

        Raises:
            ConfigError: It has no price.
        """
        return Traits(self.prices.context(model), self.provider.follows_schemas(model))


class Caller:
    """Makes the calls of one session, one after the other."""

    def __init__(self, models: Models, tape: Tape, seed: int) -> None:
        self._models, self._tape, self._seed = models, tape, seed
        self._settings = models.settings
        self._traits: dict[str, Traits] = {}

    def model(self, role: str) -> str:
        """The model that has a role in this session."""
        return self._settings.model(role, self._seed)

    def context(self, role: str) -> int | None:
        """Tokens of messages that the role's model takes, if known."""
        whole = self._traits_of(role).context
        return None if whole is None else max(0, whole - self._settings.max_output_tokens)

    def follows_schemas(self, role: str) -> bool:
        """Whether the role's model can be held to a JSON schema."""
        return self._traits_of(role).follows_schemas

    def _traits_of(self, role: str) -> Traits:
        model = self.model(role)
        if model not in self._traits:
            ask = partial(self._models.traits, model)
            self._traits[model] = self._tape.answer("model", model, Traits, ask)
        return self._traits[model]

    def ask(
        self,
        role: str,
        messages: Sequence[Message],
        purpose: str,
        unit: str = "",
        attempt: int = 0,
        schema: dict[str, Any] | None = None,
    ) -> str:
        """The answer of the role's model, or of a fallback.

        Args:
            role: Who asks.
            messages: The conversation.
            purpose: What for.
            unit: The unit that is worked on.
            attempt: Which attempt at it.
            schema: A JSON schema to hold the answer to, for models that can be.

        Raises:
            CallFailedError: No model answers.
            ContextOverflowError: The messages are too long.
            AbandonedError: The session has no money or no time left for it.
            BudgetError: The run has no money left for it.
            ConfigError: No call will work.
        """
        parameters = self._parameters(schema)
        told = [Message(author=m.author, text=hide_secrets(m.text)) for m in messages]
        deadline = time.monotonic() + self._seconds_left()
        failed = ""
        for model in dict.fromkeys([self.model(role), *self._settings.fallbacks]):
            call = Call(
                session=self._tape.session,
                role=role,
                purpose=purpose,
                unit=unit,
                attempt=attempt,
                model=model,
                messages=told,
                parameters=json.dumps(parameters, sort_keys=True),
            )
            ended = self._tape.recall(call) or self._make(call, deadline)
            if ended.end is CallEnd.ANSWERED:
                return ended.answer
            if ended.end is CallEnd.TOO_LONG:
                raise ContextOverflowError(ended.error)
            failed = ended.error
        raise CallFailedError(f"No model answered the {role}: {failed}")

    def _seconds_left(self) -> float:
        spent = sum(call.seconds for call in self._tape.calls)
        left = self._settings.session_seconds - spent
        if left <= 0:
            raise AbandonedError(
                SessionEnd.OVER_BUDGET,
                f"its calls have taken {spent:.0f} s (llm.session_seconds)",
            )
        return min(left, self._settings.call_seconds)

    def _make(self, call: Call, deadline: float) -> Call:
        """Try until it ends."""
        tries = Retrying(
            retry=retry_if_exception_type(TransientError),
            stop=stop_any(
                stop_after_attempt(self._settings.attempts),
                stop_before_delay(deadline - time.monotonic()),
            ),
            wait=self._wait,
            retry_error_callback=lambda state: self._ended(call, CallEnd.FAILED, _error(state)),
        )
        ended: Call = tries(self._try, call, deadline)
        return ended

    def _try(self, call: Call, deadline: float) -> Call:
        """Try once, if there is money for it."""
        worst = self._models.prices.worst_case(call.model, call.messages)
        with within_caps(self._settings, self._tape, worst):
            return self._sent(call, deadline)

    def _sent(self, call: Call, deadline: float) -> Call:
        """What is sent is kept with its cost, whatever comes back."""
        began = time.perf_counter()
        try:
            reply = LOOP.start(self._send(call, deadline)).result()
        except (TransientError, ConfigError) as error:
            self._ended(call, CallEnd.RETRIED, str(error), time.perf_counter() - began)
            raise
        except CallFailedError as error:
            long = isinstance(error, ContextOverflowError)
            end = CallEnd.TOO_LONG if long else CallEnd.FAILED
            return self._ended(call, end, str(error), time.perf_counter() - began)
        end, fault = self._judged(reply, call)
        usd = self._models.prices.cost(call.model, reply.usage, reply.usd)
        fields = asdict(reply.usage) | {"usd": usd, "answer": self._kept(reply)}
        ended = self._ended(call, end, fault, time.perf_counter() - began, **fields)
        if end is CallEnd.RETRIED:
            raise TransientError(fault)
        return ended

    def _judged(self, reply: Reply, call: Call) -> tuple[CallEnd, str]:
        if reply.refused:
            return CallEnd.FAILED, f"{call.model} refused to answer."
        if not reply.text.strip():
            return CallEnd.RETRIED, "an empty answer"
        if len(reply.text) > self._most_characters:
            told = f"an answer of {len(reply.text):,} characters, which nobody asked for"
            return CallEnd.RETRIED, told
        return CallEnd.ANSWERED, ""

    def _kept(self, reply: Reply) -> str:
        text = hide_secrets(reply.text[: self._most_characters])
        return f"{text}\n{CUT_OFF}" if reply.cut else text

    @property
    def _most_characters(self) -> int:
        return _CHARACTERS_PER_TOKEN * self._settings.max_output_tokens

    async def _send(self, call: Call, deadline: float) -> Reply:
        provider = self._models.provider
        async with self._models.limits.turn(provider.provider_of(call.model)):
            request = Request(
                model=call.model,
                messages=call.messages,
                parameters=json.loads(call.parameters),
                api_base=self._settings.api_base,
                seconds=max(0.0, deadline - time.monotonic()),
            )
            return await provider.complete(request)

    def _ended(
        self, call: Call, end: CallEnd, error: str = "", seconds: float = 0.0, **fields: Any
    ) -> Call:
        """Keep a call that has ended."""
        ended = call.model_copy(update={"end": end, "error": error, "seconds": seconds, **fields})
        self._tape.keep(ended)
        return ended

    def _wait(self, state: RetryCallState) -> float:
        """Seconds until the next try: about twice the last, or what the provider asks for."""
        first, longest = self._settings.first_wait, self._settings.longest_wait
        base = wait_exponential_jitter(multiplier=first, max=longest, jitter=first)
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait if isinstance(error, TransientError) else None
        return max(base(state), asked or 0.0)

    def _parameters(self, schema: dict[str, Any] | None) -> dict[str, Any]:
        parameters: dict[str, Any] = {"max_tokens": self._settings.max_output_tokens}
        if self._settings.temperature is not None:
            parameters["temperature"] = self._settings.temperature
        if schema is not None:
            form = {"name": "answer", "strict": True, "schema": schema}
            parameters["response_format"] = {"type": "json_schema", "json_schema": form}
        return parameters


def _error(state: RetryCallState) -> str:
    error = state.outcome.exception() if state.outcome else None
    return f"{error}, in {state.attempt_number} tries"
