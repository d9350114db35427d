"""What our code costs for each call of a language model, and whether sessions block each other.

    python benchmarks/agent_overhead.py

A server in another process plays the models, so that all that is measured here is the client:
first processor time of one call after the other, then wall time of many sessions at once, where
the server takes its time (``--stall``) for each answer.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

import litellm

from genesys.evolution.designer import Designer
from genesys.evolution.seeds import load_seed
from genesys.evolution.settings import EvolutionSettings
from genesys.markers import hookimpl
from genesys.plugins import Plugins
from genesys.population.evolution_tree import EvolutionTree
from genesys.population.population import Population
from genesys.records import Operator, Selection, Session, SessionEnd
from genesys.tape import Message, Tape
from genesys.testing.llm_server import ChatRequest, LLMServer
from genesys_agents.llm.caller import Models
from genesys_agents.llm.provider import LOOP, LiteLLM
from genesys_agents.llm.settings import LLMSettings
from genesys_agents.team.designer import Team
from genesys_agents.testing.competent import LOST, Competent
from genesys_checkers.format import FormatChecker

MODEL = "openai/double"
SETTINGS = EvolutionSettings(seeds=["gpt2"], designs=1, max_sessions=1)
HELLO = [Message(author="user", text="word " * 2000)]


class Fixed:
    """Every session mutates the same parent."""

    @hookimpl
    def select(self) -> Selection:
        """See ``genesys.hookspecs.select``."""
        return Selection(operator=Operator.MUTATION, designs=["gpt2"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--stall", type=float, default=0.05, help="seconds before each answer")
    args = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(theirs, args.stall), daemon=True)
    server.start()
    url = ours.recv()
    one_after_the_other(url, args.calls)
    at_once(url, args.sessions)
    server.terminate()


def serve(pipe: Connection, stall: float) -> None:
    """Answer until the process ends; team members wait for their answers, others do not."""
    double = Competent()

    def answer(request: ChatRequest) -> str:
        text = double(request)
        if text != LOST:
            time.sleep(stall)
        return text

    with LLMServer(answer) as server:
        pipe.send(server.url)
        time.sleep(3600)


def models(url: str) -> Models:
    return Models(LLMSettings.model_validate(llm(url)), LiteLLM())


def llm(url: str) -> dict[str, object]:
    prices = {MODEL: {"input_usd": 0, "output_usd": 0}}
    return {"models": MODEL, "prices": prices, "api_base": url, "concurrency": 1000}


def one_after_the_other(url: str, calls: int) -> None:
    """Processor time of a call: of litellm alone, with our code, and committed to a folder."""
    said = [{"role": message.author, "content": message.text} for message in HELLO]

    async def bare() -> None:
        for _ in range(calls):
            await litellm.acompletion(MODEL, said, api_base=url, api_key="none", max_tokens=9)

    def asked(tape: Tape) -> None:
        caller = models(url).session(tape, seed=0)
        for _ in range(calls):
            caller.ask("coder", HELLO, "unit")

    LOOP.run(bare())
    asked(Tape(0))  # warm
    with tempfile.TemporaryDirectory() as folder, EvolutionTree(Path(folder) / "run", {}) as tree:
        works: dict[str, Callable[[], None]] = {
            "litellm alone": lambda: LOOP.run(bare()),
            "through the caller": lambda: asked(Tape(0)),
            "committed to the run's folder, too": lambda: asked(tree.tape(0)),
        }
        print("| a call | processor time, ms | wall time, ms |\n|---|---|---|")
        for name, work in works.items():
            cpu, wall = min(measured(work, calls) for _ in range(3))
            print(f"| {name} | {cpu:.1f} | {wall:.1f} |")


def measured(work: Callable[[], None], calls: int) -> tuple[float, float]:
    """Milliseconds of a call: of the processor, and on the clock."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return (
        1000 * (time.process_time() - cpu) / calls,
        1000 * (time.perf_counter() - wall) / calls,
    )


def at_once(url: str, most: int) -> None:
    """Wall time of sessions, each in a thread of its own."""
    population = Population([load_seed("gpt2").model_copy(update={"index": 0})])
    plugins = Plugins(
        {
            "selector.fixed": Fixed(),
            "agent.team": Team(llm(url), searches=1),
            "checker.format": FormatChecker(),
        }
    )

    def hold(index: int) -> tuple[Session, int]:
        calls: list[object] = []
        designer = Designer(plugins, None, SETTINGS, lambda event: None)  # type: ignore[arg-type]
        session, _ = designer.run(population, Tape(index, keep_call=calls.append))
        return session, len(calls)

    hold(0)
    print("\n| sessions at once | designs | calls | seconds | processor time per call, ms |")
    print("|---|---|---|---|---|")
    for number in (1, most):
        wall, cpu = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(number) as threads:
            held = list(threads.map(hold, range(number)))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(told(held, wall, cpu))


def told(held: Sequence[tuple[Session, int]], wall: float, cpu: float) -> str:
    calls = sum(made for _, made in held)
    designs = sum(session.end is SessionEnd.ACCEPTED for session, _ in held)
    return f"| {len(held)} | {designs} | {calls} | {wall:.1f} | {1000 * cpu / calls:.1f} |"


if __name__ == "__main__":
    main()
