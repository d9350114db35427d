"""What a full check costs: on a warm worker, in a cold one, and over a run's designs.

    python benchmarks/checks.py [--rounds 5] [--run runs/demo]

Warm and cold take turns on the GPT seed, so the load of the machine touches both. Every guest is a
process of its own: on a warm worker a fork, in the cold a new process that has to load torch first.
For comparison, a worker that is started for each check and serves all of its guests. With --run,
the designs of that run are checked as well on a warm worker, each as often: its best time counts,
as others are the machine's doing.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from genesys.cli.config import compose
from genesys.evolution.run import sandbox_of
from genesys.gau.folder import load_tree
from genesys.plugins import Plugins
from genesys.population.evolution_tree import EvolutionTree
from genesys.records import CheckReport, Design
from genesys.registry import load
from genesys.resources import resource
from genesys.sandbox import Guest, Job, Sandbox


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--run", type=Path, help="a run whose designs are checked")
    options = parser.parse_args()
    config = compose([])
    plugins = load(config, kinds=("checker",))
    gpt = load_tree(resource("seeds") / "gpt2").as_design("gpt2")
    warm: list[float] = []
    fresh: list[float] = []
    cold: list[float] = []
    with sandbox_of(config["sandbox"]) as sandbox:
        check(plugins, gpt, sandbox)
        for _ in range(options.rounds):
            report, seconds = check(plugins, gpt, sandbox)
            warm.append(seconds)
            with sandbox_of(config["sandbox"]) as once:
                fresh.append(check(plugins, gpt, once)[1])
            cold.append(check(plugins, gpt, ColdSandbox(config["sandbox"]))[1])
        print("| check | seconds on a warm worker |\n|---|---|")
        for result in report.results:
            print(f"| `{result.check}` | {result.seconds:.3f} |")
        print(f"\nfull check of the GPT seed, on a warm worker: {median(warm):.2f} s")
        for name, seconds in (("cold processes", cold), ("a worker of its own", fresh)):
            ratio = median(seconds) / median(warm)
            print(f"in {name}: {median(seconds):.2f} s, {ratio:.1f} times as long")
        if options.run:
            designs_of(options.run, plugins, sandbox, options.rounds)


class ColdSandbox(Sandbox):
    """Starts a process for each guest, as if there were no warm workers."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        self._config = config

    @contextmanager
    def open(self, job: Job) -> Iterator[Guest]:
        """Start a process and a guest in it."""
        with sandbox_of(self._config) as sandbox, sandbox.open(job) as guest:
            yield guest


def check(plugins: Plugins, design: Design, sandbox: Sandbox) -> tuple[CheckReport, float]:
    started = perf_counter()
    report = plugins.check(design, sandbox)
    return report, perf_counter() - started


def designs_of(folder: Path, plugins: Plugins, sandbox: Sandbox, rounds: int) -> None:
    designs = EvolutionTree.read(folder).designs
    seconds: list[float] = []
    rows: dict[str, list[float]] = defaultdict(list)
    for design in designs:
        checks = [check(plugins, design, sandbox) for _ in range(rounds)]
        report, taken = min(checks, key=lambda found: found[1])
        seconds.append(taken)
        for result in report.results:
            rows[result.check].append(result.seconds)
    print(f"\n{len(designs)} designs of {folder}: median {median(seconds):.2f} s a check,")
    print(f"most {max(seconds):.2f} s; medians by check:")
    for name, values in rows.items():
        print(f"    {name:18} {median(values):.3f} s")


if __name__ == "__main__":
    main()
