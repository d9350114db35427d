"""Whether a rung of the ladder ranks designs as the next one does.

Reads a run in which every design was verified at neighbouring rungs:

    genesys evolve name=rungs seed=7 selector=quadrant_short evolution.designs=20 \
        evolution.max_sessions=80 evolution.seed_share=1 \
        ladder.scales.0.trials=28 ladder.scales.1.trials=28
    python benchmarks/rank_correlation.py runs/rungs
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.stats import bootstrap, kendalltau, spearmanr

from genesys.cli.ranking import scales_of
from genesys.cli.runs import population_of
from genesys.population.population import Population
from genesys.records import Outcome, VerificationReport

RESAMPLES = 9_999


def verified(population: Population, scale: str) -> dict[str, VerificationReport]:
    reports = (r for r in population.reports if r.scale == scale and r.outcome is Outcome.OK)
    return {report.design: report for report in reports}


def bits(report: VerificationReport) -> float:
    return -next(s.value for s in report.scores if s.metric == "bits_per_byte")


def rank_correlation(low: np.ndarray, high: np.ndarray) -> float:
    return float(spearmanr(low, high).statistic)


def compare(what: str, low: list[float], high: list[float]) -> str:
    pairs = np.array(low), np.array(high)
    interval = bootstrap(
        pairs,
        rank_correlation,
        paired=True,
        vectorized=False,
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(0),
    ).confidence_interval
    spearman, kendall = rank_correlation(*pairs), kendalltau(*pairs).statistic
    told = f"{spearman:.2f} | {interval.low:.2f} to {interval.high:.2f} | {kendall:.2f}"
    return f"| {what} | {len(low)} | {told} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a run")
    population = population_of(parser.parse_args().run)
    made = {design.name for design in population.children}
    print(
        "| rungs | designs | Spearman's rho | 95% interval | Kendall's tau |\n|---|---|---|---|---|"
    )
    for lower, higher in pairwise(scales_of(population)):
        low, high = verified(population, lower), verified(population, higher)
        both = sorted(low.keys() & high.keys())
        for who, names in ("all", both), ("made by the run", sorted(made & set(both))):
            for measure, of in ("accuracy", lambda r: r.fitness), ("bits per byte", bits):
                values = [[of(table[name]) for name in names] for table in (low, high)]
                print(compare(f"{lower} and {higher}, {measure}, {who}", *values))


if __name__ == "__main__":
    main()
