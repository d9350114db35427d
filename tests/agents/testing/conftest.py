"""Sessions of the team with a function in place of a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from genesys.evolution.designer import Designer
from genesys.evolution.seeds import load_seed
from genesys.evolution.settings import EvolutionSettings
from genesys.markers import hookimpl
from genesys.plugins import Plugins
from genesys.population.population import Population
from genesys.records import CheckReport, Design, Operator, Selection, Session
from genesys.tape import Call, Tape
from genesys_agents.llm.caller import Caller, Models
from genesys_agents.llm.offline import MODEL, Offline
from genesys_agents.llm.settings import LLMSettings
from genesys_agents.team.implementation import implement
from genesys_agents.team.proposer import propose
from genesys_agents.team.reviewer import review
from genesys_agents.team.settings import TeamSettings
from genesys_agents.testing.misdeeds import Answer

PARENTS = {
    Operator.MUTATION: ["gpt2"],
    Operator.CROSSOVER: ["gpt2", "retnet"],
    Operator.SCRATCH: [],
}


def fixed(operator: Operator) -> Selection:
    """A selection for an operator."""
    return Selection(operator=operator, designs=PARENTS[operator], references=["mamba2"])


class Lenient:
    """A checker that lets everything pass."""

    @hookimpl
    def check(self, design: Design) -> CheckReport:
        return CheckReport()


class Crew:
    """The team, asked by way of its functions so that any function can be its model."""

    def __init__(self, answer: Answer, **settings: Any) -> None:
        price = {"input_usd": 0, "output_usd": 0}
        llm = {"models": MODEL, "prices": {MODEL: price}, "first_wait": 0.01, "longest_wait": 0.02}
        self.models = Models(LLMSettings.model_validate(llm), Offline(answer))
        self.settings = TeamSettings.model_validate(settings)

    def caller(self, context: Any) -> Caller:
        return self.models.session(context.tape, context.seed)

    @hookimpl
    def propose(self, context: Any) -> Any:
        return propose(self.caller(context), context, self.settings)

    @hookimpl
    def review(self, context: Any, proposal: Any) -> Any:
        return review(self.caller(context), context, self.settings, proposal)

    @hookimpl
    def implement(self, context: Any, proposal: Any, review: Any) -> Any:
        return implement(self.caller(context), context, self.settings, proposal, review)


@dataclass
class Held:
    """What came of a session."""

    session: Session
    design: Design | None
    calls: list[Call]

    @property
    def asked(self) -> list[str]:
        return [f"{call.role} {call.purpose}" for call in self.calls]

    def answers(self, role: str) -> list[str]:
        return [call.answer for call in self.calls if call.role == role]


Hold = Callable[..., Held]


@pytest.fixture(scope="session")
def population() -> Population:
    """Three seeds."""
    seeds = ["gpt2", "mamba2", "retnet"]
    return Population([load_seed(s).model_copy(update={"index": i}) for i, s in enumerate(seeds)])


@pytest.fixture
def hold(population: Population) -> Hold:
    """Holds a session, with checkers that let everything pass unless told otherwise."""

    def run(
        answer: Answer,
        operator: Operator = Operator.MUTATION,
        checkers: Sequence[object] = (Lenient(),),
        review_attempts: int = 2,
        **settings: Any,
    ) -> Held:
        chosen = EvolutionSettings(
            seeds=["gpt2"], designs=1, max_sessions=1, review_attempts=review_attempts
        )
        named = {f"checker.{n}": checker for n, checker in enumerate(checkers)}
        plugins = Plugins({"agent.crew": Crew(answer, **settings), **named})
        designer = Designer(plugins, None, chosen, lambda event: None)  # type: ignore[arg-type]
        calls: list[Call] = []
        session, design = designer.run(population, Tape(0, keep_call=calls.append), fixed(operator))
        return Held(session, design, calls)

    return run
