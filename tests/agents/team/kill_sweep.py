"""Dies at one call after the other: ``python kill_sweep.py <folder> <url> <url>``.

Holds a run twice: undisturbed with the models at the first address, then, at the second, with
processes that each go on with the run and kill themselves before their n-th call is sent or after
it was committed, with n growing by one. Agents, selector and tree are real; the checkers only read,
and the verifier makes scores up. Processes are forked from one that has the libraries loaded.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from functools import partial
from pathlib import Path

import yaml

from genesys.cli.config import compose
from genesys.evolution.coordinator import Coordinator
from genesys.evolution.executors.base import Outfit
from genesys.evolution.executors.inline import InlineExecutor
from genesys.evolution.run import CONFIG_FILE, ladder_of
from genesys.evolution.settings import EvolutionSettings, derive_seed
from genesys.markers import hookimpl
from genesys.population.evolution_tree import EvolutionTree, tree_digest
from genesys.records import Outcome, Score, VerificationReport
from genesys.registry import load
from genesys.services import litellm
from genesys.tape import Tape
from genesys_agents.llm import provider
from genesys_checkers.format import FormatChecker

OPTIONS = [
    "agent=team",
    "llm=local",
    "agent.searches=1",
    "evolution.seeds=[gpt2, retnet]",
    "evolution.designs=2",
    "evolution.max_sessions=4",
    "selector.crossover_warmup=0",
    "selector.mutation=0.5",
    "selector.crossover=0.5",
    "selector.scratch=0.0",
    "ladder.scales=[{name: s, n_block: 1, d_model: 16, tokens: 9, learning_rate: 0.1, trials: 4}]",
]


class Verifier:
    """Makes scores up from the design's name."""

    @hookimpl
    def verify(self, design, scale, seed):
        value = derive_seed(seed, scale.name, design.name) / 2**32
        return VerificationReport(
            design=design.name,
            scale=scale.name,
            seed=seed,
            outcome=Outcome.OK,
            scores=[Score(task="t", metric="acc", value=value)],
        )


def run(folder: Path, url: str, last: int = 0) -> None:
    """Go on with the run in a folder; die at the ``last``-th moment, if there are so many."""
    config = compose([*OPTIONS, f"llm.api_base={url}"])
    others = {"checker.format": FormatChecker(), "verifier.made_up": Verifier()}
    plugins = load(config, ("selector", "agent", "knowledge"), others)
    settings = EvolutionSettings.of(config["evolution"])
    ladder = ladder_of(config["ladder"])
    if last:
        arm(last)
    executor = InlineExecutor()
    outfit = Outfit(config, folder, ignore, lambda *about: None, plugins, None, settings)
    with (
        EvolutionTree(folder, {"evolution": settings.model_dump()}) as tree,
        executor.open(outfit),
    ):
        (folder / CONFIG_FILE).write_text(yaml.safe_dump(config))
        told = Coordinator(tree, plugins, ladder, None, settings, executor, ignore).run(1)
    folder.with_suffix(".digest").write_text(tree_digest(told))


def ignore(event: object) -> None:
    """Nobody watches."""


def arm(last: int) -> None:
    """Let this process kill itself at the ``last``-th moment."""
    moments = 0

    def moment():
        nonlocal moments
        moments += 1
        if moments == last:
            os.kill(os.getpid(), signal.SIGKILL)

    send, keep = provider.LiteLLM.complete, Tape.keep

    async def complete(self, request):
        moment()
        return await send(self, request)

    def kept(self, call):
        keep(self, call)
        moment()

    provider.LiteLLM.complete, Tape.keep = complete, kept


def in_child(work) -> bool:
    """Run ``work`` in a fork; whether it was killed."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status) and os.WEXITSTATUS(status):
        sys.exit("a process failed")
    return os.WIFSIGNALED(status)


def main() -> None:
    base, urls = Path(sys.argv[1]), sys.argv[2:]
    litellm()
    in_child(partial(run, base / "undisturbed", urls[0]))
    deaths = 0
    while in_child(partial(run, base / "killed", urls[1], deaths + 1)):
        deaths += 1
    print(json.dumps({"deaths": deaths}))


if __name__ == "__main__":
    main()
