"""Sessions of the team over HTTP, with a function in place of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from genesys.evolution.designer import Designer
from genesys.evolution.events import UnitTried
from genesys.evolution.settings import EvolutionSettings
from genesys.markers import hookimpl
from genesys.plugins import Plugins
from genesys.population.population import Population
from genesys.records import Design, Finding, Operator, Query, Session
from genesys.session import UnitAttempt
from genesys.tape import Call, Tape
from genesys.testing.llm_server import ChatRequest, Fault, LLMServer
from genesys_agents.team.designer import Team
from genesys_agents.testing.competent import Competent
from genesys_agents.testing.misdeeds import Answer
from genesys_checkers.format import FormatChecker

from ..llm.conftest import BASE, setup
from ..testing.conftest import fixed, population

__all__ = ["population", "setup"]

Texts = list[str]


class Library:
    """Finds what it is given, and takes down what was asked."""

    def __init__(self, *found: Finding) -> None:
        self.found, self.asked = list(found), list[Query]()

    @hookimpl
    def search(self, query: Query) -> list[Finding]:
        self.asked.append(query)
        return self.found


@dataclass
class Held:
    """What came of a session."""

    session: Session
    design: Design | None
    requests: list[ChatRequest]
    answered: list[int]
    calls: list[Call]
    tries: list[UnitAttempt]

    @property
    def asked(self) -> Texts:
        return [f"{call.role} {call.purpose}" for call in self.calls]

    def told(self, role: str) -> Texts:
        """What was said to a role, the system prompt included."""
        return [
            message["content"]
            for request in self.requests
            if f"You are the {role} of" in request.messages[0]["content"]
            for message in request.messages
            if message["role"] != "assistant"
        ]


Hold = Callable[..., Held]


class Desk:
    """A server that answers and fails as the session at hand wants it."""

    def __init__(self) -> None:
        self.answer: Answer = Competent()
        self.faults: list[Fault | None] = []
        self.server = LLMServer(self._answered, self._due())

    def open(self, answer: Answer | None, faults: Sequence[Fault | None]) -> LLMServer:
        self.answer, self.faults = answer or Competent(), list(faults)
        self.server.requests.clear()
        self.server.answered.clear()
        return self.server

    def _answered(self, request: ChatRequest) -> str:
        return self.answer(request)

    def _due(self) -> Iterator[Fault | None]:
        while True:
            yield self.faults.pop(0) if self.faults else None


@pytest.fixture(scope="session")
def desk() -> Iterator[Desk]:
    """One server for all sessions: a client for each costs more than a session."""
    desk = Desk()
    with desk.server:
        yield desk


@pytest.fixture
def hold(population: Population, desk: Desk) -> Iterator[Hold]:
    """Holds a session over HTTP; the checkers read the code and do not run it."""
    with ExitStack() as stack:

        def run(
            answer: Answer | None = None,
            operator: Operator = Operator.MUTATION,
            faults: Sequence[Fault | None] = (),
            checkers: Sequence[object] = (FormatChecker(),),
            library: Library | None = None,
            llm: dict[str, Any] | None = None,
            review_attempts: int = 2,
            calls: Sequence[Call] = (),
            **settings: Any,
        ) -> Held:
            server = desk.open(answer, faults)
            if any(fault and fault.stall for fault in faults):  # it may answer in the next session
                server = stack.enter_context(LLMServer(answer or Competent(), faults))
            models = BASE | {"api_base": server.url, "max_output_tokens": 16384} | (llm or {})
            chosen = EvolutionSettings(
                seeds=["gpt2"], designs=1, max_sessions=1, review_attempts=review_attempts
            )
            plugins = Plugins(
                {
                    "agent.team": Team(models, **settings),
                    "knowledge.library": library or Library(),
                    **{f"checker.{n}": checker for n, checker in enumerate(checkers)},
                }
            )
            events: list[Any] = []
            kept: list[Call] = []
            designer = Designer(plugins, None, chosen, events.append)  # type: ignore[arg-type]
            session, design = designer.run(
                population, Tape(0, calls, keep_call=kept.append), fixed(operator)
            )
            tries = [event.attempt for event in events if isinstance(event, UnitTried)]
            return Held(session, design, [*server.requests], [*server.answered], kept, tries)

        yield run
