"""What selectors make of a run in which nothing is trained: `experiment=simulation`, many times.

    python benchmarks/simulation.py --seeds 20 --out simulation.jsonl

The coordinator, scheduler, ladder, selectors, designer and plugins are those of a real run; what
they commit stays in memory, for nobody resumes it. Each run of a selector and a seed is a task of
its own for a pool of processes. A seed is a landscape of its own, the same for all selectors, so
that differences between selectors are taken seed by seed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from copy import deepcopy
from functools import cache
from itertools import product
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, cast

from genesys.cli.config import compose
from genesys.evolution.coordinator import Coordinator
from genesys.evolution.executors.base import Outfit
from genesys.evolution.executors.inline import InlineExecutor
from genesys.evolution.run import ladder_of, sandbox_of
from genesys.evolution.settings import EvolutionSettings
from genesys.population.ledger import Entry, Ledger
from genesys.population.metrics.progress import SIZE, STEP, Progress, progress
from genesys.population.population import Population
from genesys.population.uncertainty import quantile
from genesys.records import Design, Scale, Session, VerificationReport
from genesys.registry import load
from genesys.tape import Tape
from genesys_verifiers.simulated.verifier import SimulatedVerifier

# Settings of the simulation: as published, and one in which more is inherited and less is noise.
SETTINGS = {
    "published": [],
    "heritable": ["verifier.heritability=0.9", "verifier.noise=0.25"],
}
SELECTORS = {
    "random": [],  # "w/o Exp." of table 2
    "quadrant": [],
    "top_k": [],
    "tournament": [],
    "map_elites": [],
    # The simulation has no speeds; what it has are operations per parameter.
    "pareto": ["selector.objectives=[accuracy,flops]"],
    "bandit": [],
    "surrogate": [],
}
JOB = ("setting", "selector", "seed", "designs")
BASELINES = ("random", "quadrant")
FULL = 500  # designs, which the trials of experiment=simulation are for
FIGURES = {
    "end": "end",
    "peak": "peak",
    "volatility": "volatility",
    "sharpe": "sharpe",
    "drawdown": "drawdown",
    "true_end": "end, true",
    "best_made": "best made, true",
    "best_seen": "winner, measured",
    "winner": "winner, true",
}
COMPARED = ("end", "true_end", "best_made", "best_seen", "winner")


class Memory:
    """An evolution tree that no disk has."""

    folder = Path("memory")

    def __init__(self) -> None:
        self.ledger, self.generation = _Entries(self.folder), 1
        self._population = Population()

    def population(self) -> Population:
        """Everything committed so far."""
        return self._population

    def add_seed(self, design: Design) -> None:
        """Commit a seed."""
        self._population = self._population.grown([design])

    def commit_session(self, session: Session, design: Design | None) -> None:
        """Commit a session with the design it made, if it made one."""
        self._population = self._population.grown([design] if design else [], (), [session])

    def commit_report(self, report: VerificationReport) -> None:
        """Commit a verification."""
        self._population = self._population.grown((), [report])

    def tape(self, session: int) -> Tape:
        """The tape of a session."""
        return Tape(session)


class _Entries(Ledger):
    def append(self, entry: Entry) -> None:
        self.entries.append(entry)


def run(job: tuple[str, str, int, int]) -> dict[str, Any]:
    """One run, and what came of it.

    Args:
        job: Setting, selector, seed, and number of designs.
    """
    began = time.perf_counter()
    setting, selector, seed, designs = job
    config = _config(setting, selector, seed, designs)
    verifier = SimulatedVerifier(**{k: v for k, v in config["verifier"].items() if k != "name"})
    population = _evolved(config)
    figures = _figures(population, verifier, ladder_of(config["ladder"]).scales[-1])
    return {**dict(zip(JOB, job, strict=True)), **figures, "seconds": time.perf_counter() - began}


def _config(setting: str, selector: str, seed: int, designs: int) -> dict[str, Any]:
    config = deepcopy(_composed(f"selector={selector}", *SELECTORS[selector], *SETTINGS[setting]))
    config["seed"] = config["evolution"]["seed"] = config["verifier"]["landscape"] = seed
    config["evolution"] |= {"designs": designs, "max_sessions": 2 * designs}
    for scale in config["ladder"]["scales"]:
        scale["trials"] = scale["trials"] * designs // FULL
    return config


@cache
def _composed(*overrides: str) -> dict[str, Any]:
    return compose(["experiment=simulation", *overrides])


def _evolved(config: dict[str, Any]) -> Population:
    settings, ladder = EvolutionSettings.of(config["evolution"]), ladder_of(config["ladder"])
    plugins, sandbox = load(config), sandbox_of(config["sandbox"])
    plugins.ready()
    executor, tree = InlineExecutor(), cast("Any", Memory())
    outfit = Outfit(config, tree.folder, _deaf, _deaf, plugins, sandbox, settings)
    with executor.open(outfit):
        loop = Coordinator(tree, plugins, ladder, sandbox, settings, executor, _deaf)
        return loop.run()


def _deaf(*_: object) -> None:
    """Nobody listens."""


def _figures(
    population: Population, verifier: SimulatedVerifier, top: Scale
) -> dict[str, float | None]:
    """Accuracies are in percent; true ones are without noise, at the largest scale."""
    verified = [d for d in population.designs if population.fitness(d.name) is not None]
    truth = {d.name: 100 * verifier.expected(d, top) for d in verified}
    seen = _progress([100 * (population.fitness(d.name) or 0.0) for d in verified])
    true = _progress(list(truth.values()))
    base = max(truth[seed.name] for seed in population.seeds)
    at_top = {d.name: population.fitness(d.name, top.name) for d in verified}
    known = {name: value for name, value in at_top.items() if value is not None}
    winner = max(known, key=known.__getitem__)
    return {
        **{key: getattr(seen, key) for key in list(FIGURES)[:5]},
        "true_end": true.end,
        "best_made": max(truth.values()) - base,
        "best_seen": 100 * known[winner],
        "winner": truth[winner] - base,
    }


def _progress(values: Sequence[float]) -> Progress:
    starts = range(0, len(values) - SIZE + 1, STEP)
    found = progress([fmean(values[start : start + SIZE]) for start in starts])
    if found is None:
        raise SystemExit(f"{len(values)} verified designs are fewer than three generations.")
    return found


def tables(results: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Lines of Markdown: for each setting the figures, and their differences to the baselines."""
    for setting in sorted({str(r["setting"]) for r in results}, reverse=True):
        by: dict[str, dict[int, Mapping[str, Any]]] = {}
        for result in results:
            if result["setting"] == setting:
                by.setdefault(result["selector"], {})[result["seed"]] = result
        yield from (f"### {setting}", "", *_head("selector", FIGURES))
        for selector, runs in by.items():
            columns = [[r[key] for r in runs.values()] for key in FIGURES]
            yield _row(selector, [_interval(values) for values in columns])
        for baseline in (name for name in BASELINES if name in by):
            yield from ("", *_head(f"less {baseline}", COMPARED))
            for selector in (name for name in by if name != baseline):
                pairs = [(by[selector][s], by[baseline][s]) for s in by[selector]]
                less = [[_less(a[key], b[key]) for a, b in pairs] for key in COMPARED]
                yield _row(selector, [_interval(values, marked=True) for values in less])
        yield ""


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _interval(values: Sequence[float | None], marked: bool = False) -> str:
    """Mean and half the width of its 95% interval; bold if marked and zero is outside."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return "–"
    mean = fmean(known)
    margin = quantile(len(known) - 1) * stdev(known) / sqrt(len(known))
    text = f"{mean:.2f} ± {margin:.2f}"
    return f"**{text}**" if marked and abs(mean) > margin else text


def _head(first: str, keys: Collection[str]) -> tuple[str, str]:
    return _row(first, [FIGURES[key] for key in keys]), _row("---", ["---:"] * len(keys))


def _row(first: str, cells: Iterable[str]) -> str:
    return f"| {' | '.join([first, *cells])} |"


def main() -> None:
    """Run, keep, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--designs", type=int, default=FULL)
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS), choices=SETTINGS)
    parser.add_argument("--selectors", nargs="+", default=list(SELECTORS), choices=SELECTORS)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, help="file of a line for each run, which goes on")
    asked = parser.parse_args()
    # Seed by seed, so that a study that is stopped is one over fewer seeds.
    jobs = [
        (setting, selector, seed, asked.designs)
        for seed, setting, selector in product(range(asked.seeds), asked.settings, asked.selectors)
    ]
    results = [json.loads(line) for line in _lines(asked.out)]
    # One run, one thread: the surrogate's algebra would take all cores for each of them.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    known = {tuple(r[key] for key in JOB) for r in results}
    began, due = time.perf_counter(), [job for job in jobs if job not in known]
    with ProcessPoolExecutor(asked.processes) as pool:
        for ended in as_completed([pool.submit(run, job) for job in due]):
            results.append(ended.result())
            if asked.out:
                with asked.out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(results[-1]) + "\n")
            print(f"{len(results)} of {len(jobs)}", end="\r", file=sys.stderr, flush=True)
    print(f"{len(due)} runs in {time.perf_counter() - began:.0f} s\n")
    wanted = {tuple(r[key] for key in JOB): r for r in results}
    print("\n".join(tables([wanted[job] for job in jobs])))


def _lines(path: Path | None) -> list[str]:
    return path.read_text("utf-8").splitlines() if path and path.exists() else []


if __name__ == "__main__":
    main()
