"""The whole of it: the team, a server on loopback, the real checkers, a real sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from genesys.cli.config import compose
from genesys.evolution.designer import Designer
from genesys.evolution.settings import EvolutionSettings
from genesys.population.population import Population
from genesys.records import Operator, SessionEnd
from genesys.registry import load
from genesys.sandbox import Limits, Sandbox
from genesys.tape import Call, Tape
from genesys.testing.llm_server import LLMServer
from genesys_agents.testing.breaking import faulty
from genesys_agents.testing.competent import Competent

from .conftest import PARENTS, fixed


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Limits(threads=1)) as sandbox:
        yield sandbox


@pytest.mark.slow
@pytest.mark.parametrize("operator", list(PARENTS))
def test_a_design_is_discovered_over_http(
    operator: Operator, sandbox: Sandbox, population: Population
) -> None:
    with LLMServer(faulty(Competent(), 0.3)) as server:
        config = compose(
            [
                "agent=team",
                "llm=local",
                f"llm.api_base={server.url}",
                "llm.prices={openai/local:{input_usd:0,output_usd:0}}",
            ]
        )
        plugins = load(config, ("agent", "checker"))
        settings = EvolutionSettings(seeds=["gpt2"], designs=1, max_sessions=1)
        designer = Designer(plugins, sandbox, settings, lambda event: None)
        calls: list[Call] = []
        session, design = designer.run(population, Tape(0, keep_call=calls.append), fixed(operator))
        assert (session.end, session.note) == (SessionEnd.ACCEPTED, "")
        assert design is not None
        assert design.parents == PARENTS[operator]
        assert design.check is not None
        assert design.check.valid
        assert len(server.answered) == len(calls)
