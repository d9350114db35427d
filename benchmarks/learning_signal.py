"""Shows that the nano ladder's score measures learning: tokens, size, seeds and designs.

Prints Markdown tables.

    python benchmarks/learning_signal.py [--parts seeds tokens size gpt2] [--threads 2]
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Iterable
from functools import cache

from nano import Nano, seed_design

from genesys.records import Score, VerificationReport
from genesys.sandbox import Sandbox
from genesys_verifiers.evaluation.evaluate import BASELINE_ITEMS

DESIGNS = ["gpt2", "mamba2", "retnet", "rwkv6", "ttt"]
SEEDS = [0, 1, 2]
PARTS = ["seeds", "tokens", "size", "gpt2"]


class Bench:
    """Verifies each combination once."""

    def __init__(self, sandbox: Sandbox, threads: int) -> None:
        self._nano = Nano(sandbox, [f"verifier.threads={threads}"])
        self.scales = self._nano.scales
        self.report = cache(self._report)

    def _report(self, name: str, scale: str, tokens: int, seed: int) -> VerificationReport:
        rung = self.scales[scale].model_copy(update={"tokens": tokens})
        return self._nano.verify(seed_design(name), rung, seed)


def accuracies(report: VerificationReport) -> list[Score]:
    return [s for s in report.scores if s.metric == "acc"]


def bits(report: VerificationReport) -> Score:
    return next(s for s in report.scores if s.metric == "bits_per_byte")


def show(title: str, head: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    head = list(head)
    print(f"\n### {title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(f'{c:.3f}' if isinstance(c, float) else str(c) for c in row)} |")
    print(flush=True)


def seeds_and_designs(bench: Bench, tokens: int) -> None:
    means, spreads, rows = [], [], []
    for name in DESIGNS:
        found = [bench.report(name, "0.1M", tokens, seed).fitness or 0.0 for seed in SEEDS]
        means.append(statistics.mean(found))
        spreads.append(statistics.stdev(found))
        rows.append([name, *found, means[-1], spreads[-1]])
    head = ["design", *(f"seed {seed}" for seed in SEEDS), "mean", "deviation"]
    show(f"Seeds and designs: 0.1M, {tokens:,} tokens", head, rows)
    within = math.sqrt(statistics.mean(s * s for s in spreads))
    between = statistics.stdev(means)
    print(f"Deviation over seeds {within:.4f}, over designs {between:.4f}: {between / within:.1f}x")


def untrained(bench: Bench, tokens: int, items: int) -> None:
    rows = []
    for name in DESIGNS:
        report = bench.report(name, "0.1M", tokens, SEEDS[0])
        values = [s.untrained or 0.0 for s in accuracies(report)]
        error = math.sqrt(0.25 / (items * len(values)))
        mean = statistics.mean(values)
        rows.append([name, mean, error, (mean - 0.5) / error, report.fitness or 0.0])
    head = ["design", "untrained", "error of chance", "errors from 0.5", "trained"]
    show("An untrained model guesses", head, rows)


def by_task(report: VerificationReport) -> None:
    rows = [[s.task, s.untrained or 0.0, s.value, s.stderr or 0.0] for s in accuracies(report)]
    show(f"Tasks: {report.design}, {report.scale}", ["task", "untrained", "trained", "error"], rows)


def growth(bench: Bench, name: str, budgets: list[int]) -> list[list[object]]:
    """Score and bits per byte of one design at 0.1M, untrained and after each budget."""
    reports = [bench.report(name, "0.1M", budget, SEEDS[0]) for budget in budgets]
    start = statistics.mean(s.untrained or 0.0 for s in accuracies(reports[0]))
    rows: list[list[object]] = [[name, "0", start, bits(reports[0]).untrained]]
    return rows + [[name, f"{r.tokens:,}", r.fitness, bits(r).value] for r in reports]


def sizes(bench: Bench, name: str, tokens: int) -> list[list[object]]:
    """Score and bits per byte of one design at each rung that has trials, after as many tokens."""
    scales = [scale.name for scale in bench.scales.values() if scale.trials]
    reports = [bench.report(name, scale, tokens, SEEDS[0]) for scale in scales]
    return [[name, r.scale, f"{r.parameters:,}", r.fitness, bits(r).value] for r in reports]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=250_000, help="for seeds and designs")
    parser.add_argument("--more-tokens", type=int, default=500_000, help="for tokens and sizes")
    parser.add_argument("--most-tokens", type=int, default=2_000_000, help="for gpt2 alone")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    options = parser.parse_args()
    few, more, most = options.tokens, options.more_tokens, options.most_tokens
    head = ["design", "tokens", "score", "bits per byte"]
    with Sandbox() as sandbox:
        bench = Bench(sandbox, options.threads)
        if "seeds" in options.parts:
            seeds_and_designs(bench, few)
            untrained(bench, few, BASELINE_ITEMS)
        if "tokens" in options.parts:
            rows = [row for name in DESIGNS for row in growth(bench, name, [few // 4, few, more])]
            show("Tokens: 0.1M", head, rows)
        if "size" in options.parts:
            rows = [row for name in DESIGNS for row in sizes(bench, name, more)]
            show(f"Size: {more:,} tokens", ["design", "scale", "parameters", *head[2:]], rows)
        if "gpt2" in options.parts:
            show("Tokens: gpt2, 0.1M", head, growth(bench, "gpt2", [most]))
            by_task(bench.report("gpt2", "0.1M", most, SEEDS[0]))


if __name__ == "__main__":
    main()
