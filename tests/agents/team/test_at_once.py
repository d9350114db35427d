"""Sessions in one process do not wait for each other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from genesys.evolution.designer import Designer
from genesys.evolution.settings import EvolutionSettings
from genesys.plugins import Plugins
from genesys.population.population import Population
from genesys.records import Operator, SessionEnd
from genesys.tape import Tape
from genesys.testing.llm_server import ChatRequest, LLMServer
from genesys_agents.team.designer import Team

from ..llm.conftest import BASE
from ..testing.conftest import fixed

SESSIONS = 50


def test_fifty_calls_are_under_way_at_a_time(population: Population) -> None:
    """No call is answered before all sessions have sent one."""
    meeting = Barrier(SESSIONS, timeout=60)

    def answer(request: ChatRequest) -> str:
        meeting.wait()
        return "Nothing that anybody can use."

    with LLMServer(answer) as server:
        llm = BASE | {"api_base": server.url, "concurrency": SESSIONS}
        agent = Team(llm, reasks=0)
        plugins = Plugins({"agent.team": agent})
        settings = EvolutionSettings(seeds=["gpt2"], designs=1, max_sessions=1)
        designer = Designer(plugins, None, settings, lambda event: None)  # type: ignore[arg-type]
        with ThreadPoolExecutor(SESSIONS) as threads:
            held = list(
                threads.map(
                    lambda i: designer.run(population, Tape(i), fixed(Operator.SCRATCH))[0],
                    range(SESSIONS),
                )
            )
    assert {session.end for session in held} == {SessionEnd.FAILED}
    assert all("gave no usable answer" in session.note for session in held)
    assert len(server.answered) == SESSIONS
