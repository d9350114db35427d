"""Callers that talk to a real server on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from genesys.population.purse import Purse
from genesys.tape import Call, Message, Tape
from genesys.testing.llm_server import Fault, LLMServer
from genesys_agents.llm.caller import Caller, Models
from genesys_agents.llm.provider import LiteLLM
from genesys_agents.llm.settings import LLMSettings

MODEL = "openai/double"
HELLO = [Message(author="user", text="Say hello.")]
BASE: dict[str, Any] = {
    "models": MODEL,
    "prices": {MODEL: {"input_usd": 1.0, "output_usd": 4.0}},
    "first_wait": 0.01,
    "longest_wait": 0.02,
    "max_output_tokens": 1000,
}


@dataclass
class Setup:
    """A server, a caller, and what the caller's tape has kept."""

    server: LLMServer
    models: Models
    purse: Purse = field(default_factory=Purse)
    kept: list[Call] = field(default_factory=list)
    caller: Caller = field(init=False)

    def __post_init__(self) -> None:
        self.caller = self.session()

    def session(self, session: int = 0, calls: Sequence[Call] = ()) -> Caller:
        """A caller for another session, or for the same one after a kill."""
        tape = Tape(
            session,
            calls,
            keep_call=self.keep,
            usd_of_run=self.usd,
            reserve=self.purse.reserve,
            release=self.purse.release,
        )
        return self.models.session(tape, seed=session)

    def keep(self, call: Call) -> None:
        self.kept.append(call)
        self.purse.pay(call)

    def usd(self) -> float:
        return sum(call.usd for call in self.kept)

    def ends(self) -> list[str]:
        return [call.end.value for call in self.kept]


@pytest.fixture
def setup() -> Iterator[Callable[..., Setup]]:
    """Starts a server that fails as told and answers ``hello <number>``."""
    with ExitStack() as stack:

        def start(*faults: Fault | None, **settings: Any) -> Setup:
            answer = settings.pop("answer", lambda request: f"hello {request.number}")
            server = stack.enter_context(LLMServer(answer, faults, key=settings.pop("key", "")))
            purse = Purse(settings.pop("run_usd", None), settings.pop("run_tokens", None))
            config = BASE | {"api_base": server.url} | settings
            return Setup(server, Models(LLMSettings.model_validate(config), LiteLLM()), purse)

        yield start
