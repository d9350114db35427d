"""How many of the offline designer's designs pass the checkers, over operators and generations.

    python benchmarks/offline_designer.py --designs 90

Sessions take turns between mutation, crossover and scratch. Accepted designs join the five seeds as
parents, so later designs descend from earlier ones. ``implement`` may not repair (attempts=1):
the rate is that of first drafts.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from statistics import mean, median
from time import perf_counter

from genesys.cli.config import compose
from genesys.evolution.seeds import load_seed
from genesys.records import CheckReport, Design, Found, Operator
from genesys.registry import load
from genesys.sandbox import Sandbox
from genesys.session import SessionContext
from genesys_agents.offline.designer import OfflineDesigner

OPERATORS = (Operator.MUTATION, Operator.CROSSOVER, Operator.SCRATCH)
ACCEPT = 4.0


@dataclass
class Run:
    """Designs so far, their generations, and what became of each session."""

    designs: list[Design]
    generation: dict[str, int]
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    ratings: list[float] = field(default_factory=list)
    draft_seconds: list[float] = field(default_factory=list)
    check_seconds: list[float] = field(default_factory=list)

    def is_new(self, design: Design) -> bool:
        """Whether no design has this structure yet."""
        return design.structural_hash not in {d.structural_hash for d in self.designs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--designs", type=int, default=90)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=60.0, help="start no session after")
    parser.add_argument("--reference-units", action="store_true", help="mutations draw them too")
    args = parser.parse_args()
    agent = OfflineDesigner(attempts=1, reference_units=args.reference_units)
    seeds = [load_seed(name) for name in compose([])["evolution"]["seeds"]]
    run = Run(seeds, {design.name: 0 for design in seeds})
    checkers = load(compose([]), kinds=("checker",))
    rng, started = Random(args.seed), perf_counter()
    with Sandbox() as sandbox:
        for index in range(args.designs):
            if perf_counter() - started > 60 * args.minutes:
                break
            session(run, index, rng, agent, lambda design: checkers.check(design, sandbox))
    report(run)


def session(
    run: Run,
    index: int,
    rng: Random,
    agent: OfflineDesigner,
    check: Callable[[Design], CheckReport],
) -> None:
    operator = OPERATORS[index % 3]
    count = {Operator.SCRATCH: 0, Operator.MUTATION: 1}.get(operator, rng.choice((2, 2, 3)))
    parents = tuple(rng.sample(run.designs, count))
    context = SessionContext(
        index=index,
        seed=rng.getrandbits(32),
        operator=operator,
        parents=parents,
        references=(),
        siblings=(),
        search=lambda query: Found(),
        check=check,
        is_new=run.is_new,
    )
    started = perf_counter()
    proposal = agent.propose(context)
    review = agent.review(context, proposal)
    design = agent.implement(context, proposal)
    run.draft_seconds.append(perf_counter() - started)
    assert run.is_new(design), "drafts must be structurally new"
    started = perf_counter()
    verdict = check(design)
    run.check_seconds.append(perf_counter() - started)
    run.ratings.append(review.rating)
    run.outcomes[operator.value, "passed" if verdict.valid else "failed"] += 1
    depth = 1 + max((run.generation[p.name] for p in parents), default=0)
    print(f"{index:3} {operator:9} gen {depth} {review.rating:4.2f} {design.name}", flush=True)
    for issue in [] if verdict.valid else verdict.issues:
        print(f"    {issue.check} {issue.unit}:{issue.line} {issue.message}")
    if verdict.valid:
        run.designs.append(design)
        run.generation[design.name] = depth


def report(run: Run) -> None:
    print("\n| operator | designs | passed all checkers |\n|---|---|---|")
    for operator in OPERATORS:
        passed, failed = (run.outcomes[operator.value, end] for end in ("passed", "failed"))
        print(f"| {operator} | {passed + failed} | {passed} |")
    passed = sum(n for (_, end), n in run.outcomes.items() if end == "passed")
    total = len(run.ratings)
    print(f"| all | {total} | {passed} ({passed / total:.0%}) |")
    print(f"\nGenerations: {max(run.generation.values())}; all structurally new.")
    above = sum(rating >= ACCEPT for rating in run.ratings)
    print(f"Rated {ACCEPT:g} or more: {above / total:.0%}.")
    print(
        f"Seconds: {mean(run.draft_seconds):.2f} a draft, {median(run.check_seconds):.1f} a check."
    )


if __name__ == "__main__":
    main()
