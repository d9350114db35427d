"""How fast the memory answers in a run of many designs, and what following the run costs.

    python benchmarks/memory.py --designs 10000

The offline designer draws ``--drawn`` children of the seeds; each further design is one of them
with as many of its words exchanged, at random, for words of the others. All units are new, which
is more than in a real run.
"""

from __future__ import annotations

import argparse
import re
import resource as process
from random import Random
from statistics import median
from time import process_time

from genesys.gau.folder import load_tree
from genesys.population.population import Population
from genesys.records import CheckReport, Design, Found, Operator, Query
from genesys.resources import resource
from genesys.session import SessionContext
from genesys_agents.offline.designer import OfflineDesigner
from genesys_knowledge.memory import MemoryKnowledge

SEEDS = ("gpt2", "mamba2", "retnet", "rwkv6", "ttt")
EXCHANGED = 0.2  # of a text's words


def main() -> None:
    """Print the times, in ms of processor time."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--designs", type=int, default=10_000)
    parser.add_argument("--drawn", type=int, default=100)
    parser.add_argument("--queries", type=int, default=30)
    args = parser.parse_args()
    rng = Random(0)
    drawn = [draw(rng, number) for number in range(args.drawn)]
    designs = many(rng, drawn, args.designs)
    asked = [Query(description=d.proposal.abstract) for d in drawn[: args.queries] if d.proposal]
    asked += [Query(description=d.units[-1].code[:2000]) for d in drawn[: args.queries]]
    memory = MemoryKnowledge()
    print(f"first query, all to be read   {timed(memory, designs, asked[0]):9.1f} ms")
    after, next_ones = [], []
    for number, query in enumerate(asked):
        designs.append(varied(rng, drawn[number % len(drawn)], len(designs), pool(drawn)))
        after.append(timed(memory, designs, query))
        next_ones.append(timed(memory, designs, query))
    units = len({unit.code for design in designs for unit in design.units})
    print(f"query after another session   {median(after):9.1f} ms")
    print(f"next query                    {median(next_ones):9.1f} ms")
    peak = process.getrusage(process.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(designs)} designs with {units} units, {peak:.0f} MiB at most in this process")


def timed(memory: MemoryKnowledge, designs: list[Design], query: Query) -> float:
    population = Population(designs)
    started = process_time()
    assert memory.search(population, query)
    return 1000 * (process_time() - started)


def draw(rng: Random, number: int) -> Design:
    """A child of a seed."""
    parent = load_tree(resource("seeds") / rng.choice(SEEDS))
    context = SessionContext(
        index=number,
        seed=number,
        operator=Operator.MUTATION,
        parents=(parent.as_design("parent"),),
        references=(),
        siblings=(),
        search=lambda query: Found(),
        check=lambda design: CheckReport(),
        is_new=lambda design: True,
    )
    agent = OfflineDesigner()
    proposal = agent.propose(context)
    return agent.implement(context, proposal).model_copy(update={"proposal": proposal})


def many(rng: Random, drawn: list[Design], count: int) -> list[Design]:
    words = pool(drawn)
    return [varied(rng, rng.choice(drawn), index, words) for index in range(count)]


def pool(drawn: list[Design]) -> list[str]:
    """All words that the designs use."""
    texts = [d.proposal.text for d in drawn if d.proposal]
    return sorted({word for text in texts for word in re.findall(r"[a-z]{4,}", text)})


def varied(rng: Random, design: Design, index: int, words: list[str]) -> Design:
    """The design by another name, with other words in its new units and its proposal."""

    def other(text: str) -> str:
        def exchanged(found: re.Match[str]) -> str:
            return rng.choice(words) if rng.random() < EXCHANGED else found[0]

        return re.sub(r"[a-z]{4,}", exchanged, text)

    assert design.proposal
    proposal = design.proposal.model_copy(update={"text": other(design.proposal.text)})
    first, *rest = design.units
    units = [first.model_copy(update={"code": other(first.code)}), *rest]
    units[-1] = rest[-1].model_copy(update={"code": other(rest[-1].code)}) if rest else units[-1]
    update = {"name": f"d{index}", "proposal": proposal, "units": units, "index": index}
    return design.model_copy(update=update)


if __name__ == "__main__":
    main()
