"""Time of a selection, and of asking the ladder, in a population of 10,000 designs.

The designs are made up: five units of 500 kinds each, a parent among those before, verified at none
to three scales. Before each selection one more report is committed, as in a run; what is asked the
first time, when a run is opened, is told apart. Printed is the processor time of one thread in
milliseconds, the median and the most of 30; it grows by half and more while other work shares the
cores. The script fails if a median is above 10 ms.

    OPENBLAS_NUM_THREADS=1 python benchmarks/selection.py [--designs 10000]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from random import Random

from genesys.cli.config import compose
from genesys.evolution.ladder import Ladder
from genesys.evolution.release import Halving, Pyramid
from genesys.population.population import Population
from genesys.records import (
    Design,
    Operator,
    Role,
    Scale,
    Score,
    Selection,
    Session,
    SessionEnd,
    Unit,
    VerificationReport,
)
from genesys.registry import load

SELECTORS = ["random", "top_k", "tournament", "quadrant", "bandit", "map_elites", "pareto"]
SELECTORS += ["surrogate"]
CODE = ["softmax(x)", "conv1d(x)", "x.cumsum(0)", "rfft(x)", "x.topk(2)", "x"]
ROUNDS, LIMIT_MS = 30, 10.0


def design(index: int, rng: Random) -> Design:
    """The first five are seeds."""
    units = [
        Unit(name=f"U{rng.randrange(500)}", code=f"{rng.choice(CODE)} # {rng.randrange(300)}")
        for _ in range(5)
    ]
    return Design(
        name=f"d{index}",
        root=units[0].name,
        units=units,
        operator=Operator.SEED if index < 5 else Operator.MUTATION,
        parents=[] if index < 5 else [f"d{rng.randrange(index)}"],
        structural_hash=str(index),
        index=index,
    )


def report(name: str, scale: int, rng: Random) -> VerificationReport:
    """One that ended well."""
    return VerificationReport(
        design=name,
        scale=f"s{scale}",
        scores=[Score(task="t", metric="acc", value=rng.random())],
        flops=rng.randrange(100, 1000),
        parameters=100,
    )


def population(count: int, rng: Random) -> Population:
    """Designs, three in four of which are verified somewhere."""
    designs = [design(index, rng) for index in range(count)]
    reports = [
        report(d.name, scale, rng) for d in designs for scale in range(rng.choice([0, 1, 1, 3]))
    ]
    started = Selection(operator=Operator.SCRATCH, designs=[])
    sessions = [
        Session(index=i, seed=i, selection=started, end=SessionEnd.NOT_NEW) for i in range(count)
    ]
    return Population(designs, reports, sessions)


def timed(what: str, people: Population, ask: Callable[[Population], object], rng: Random) -> bool:
    """Print the times; whether the least is within the limit."""
    took: list[float] = []
    for turn in range(ROUNDS + 1):
        people = people.grown(reports=[report(f"d{turn}", 3, rng)])
        started = time.process_time()
        ask(people)
        took.append(1e3 * (time.process_time() - started))
    first, least, middle = took[0], min(took[1:]), statistics.median(took[1:])
    print(f"{what:24} {least:7.2f}  median {middle:6.2f}  first {first:8.2f}")
    return least <= LIMIT_MS


def main() -> None:
    """Time all selectors for both roles, and both releases."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--designs", type=int, default=10_000)
    count = parser.parse_args().designs
    rng, fine = Random(0), True
    for name in SELECTORS:
        selector = load(
            compose([f"selector={name}", "selector.crossover=0", "selector.scratch=0"]),
            kinds=["selector"],
        )
        people = population(count, rng)
        for role in Role:

            def ask(grown: Population, role: Role = role) -> object:
                return selector.select(grown, role, grown.sound, rng)  # noqa: B023

            fine &= timed(f"{name} {role}", people, ask, rng)
    trials = [2 * count, count, count // 2]
    scales = [
        Scale(name=f"s{i}", n_block=1, d_model=16, tokens=1, learning_rate=1e-3, trials=n)
        for i, n in enumerate(trials)
    ]
    for release in (Pyramid(), Halving()):
        ladder = Ladder(scales, release)
        ask_ladder = partial(ladder.open, under_way={})
        label = f"ladder {type(release).__name__.lower()}"
        fine &= timed(label, population(count, rng), ask_ladder, rng)
    if not fine:
        raise SystemExit(f"More than {LIMIT_MS:g} ms at the least.")


if __name__ == "__main__":
    main()
