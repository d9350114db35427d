"""Fits the figures of ``verifier=simulated`` to the published evaluations.

    python benchmarks/simulation_fit.py published_designs.json

Prints the constants of ``genesys_verifiers/simulated/figures.py`` and, below them, how the model
with these figures compares with the evaluations: means and deviations of the fitness at each scale,
its correlation between scales, and that between parents and children.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from itertools import combinations
from math import log2, sqrt
from pathlib import Path
from statistics import fmean

import numpy as np

from genesys.population.metrics.published import published

NINE = ("blimp", "wnli", "rte", "winogrande", "cola", "sst2", "wsc273", "inverse_scaling", "mrpc")
# What guessing gives and how many items there are, in table 16.
CHANCE = (0.6975, 0.4366, 0.5271, 0.4878, 0.5, 0.4908, 0.4982, 0.5003, 0.3162)
ITEMS = (65093, 71, 277, 1267, 1043, 872, 273, 29548, 408)
TOKENS = {"14M": 263e6, "31M": 518e6, "70M": 1056e6, "125M": 2190e6}  # configs/ladder/paper.yaml

Values = dict[str, dict[str, float]]  # of one task, by scale and design


def main() -> None:
    """Read, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("published", type=Path)
    tables = published(parser.parse_args().published)
    values: dict[str, Values] = {task: defaultdict(dict) for task in NINE}
    for row in tables.scores.to_pylist():
        if row["task"] in values:
            values[row["task"]][row["scale"]][row["design"]] = row["value"]
    designs = tables.designs.to_pylist()
    parents = [(d["name"], parent) for d in designs for parent in d["parents"]]
    fits = {task: _task(values[task]) for task in NINE}
    print("# task, mean, gain, deviation, loading, chance, items")
    for task, chance, items in zip(NINE, CHANCE, ITEMS, strict=True):
        mean, gain, deviation, loading = fits[task]
        print(
            f'    Task("{task}", {mean:.3f}, {gain:.4f}, {deviation:.4f}, {loading:.2f}, '
            f"{chance}, {items:_}),"
        )
    index = _index(values, fits)
    between, related = _between(index), _related(index, parents)
    shared = _shared(designs, parents)
    print(f"HERITABILITY = {related / between / shared:.2f}")
    print(f"# quality: {between:.3f} between scales, {related:.3f} parent and child, seen;")
    print(f"#   {related / between:.3f} without the noise; {shared:.3f} of units are shared")
    usd = [d["usd"] for d in designs if not d["seed"]]
    print(f"USD = {fmean(usd):.2f}  # a session; median {np.median(usd):.2f}")
    _compare(values, fits, parents)


def _task(values: Values) -> tuple[float, float, float, float]:
    """Mean at the first scale, gain for twice the tokens, deviation, and loading on quality."""
    points = [(_doublings(s), v) for s, found in values.items() for v in found.values()]
    x, y = np.array(points).T
    gain, mean = np.polyfit(x, y, 1)
    spread = [(len(f) - 1, np.var(list(f.values()), ddof=1)) for f in values.values()]
    deviation = sqrt(sum(n * v for n, v in spread) / sum(n for n, _ in spread))
    return float(mean), float(gain), deviation, sqrt(max(0.0, _between(values)))


def _doublings(scale: str) -> float:
    return log2(TOKENS[scale] / TOKENS["14M"])


def _between(values: Values) -> float:
    """Correlation between scales, over all pairs of them, by the designs that they share."""
    found = []
    for one, other in combinations(values.values(), 2):
        both = [name for name in one if name in other]
        found.append((len(both), _correlation([(one[n], other[n]) for n in both])))
    return sum(n * r for n, r in found) / sum(n for n, _ in found)


def _related(values: Values, parents: list[tuple[str, str]]) -> float:
    """Correlation between parent and child at the same scale, over all scales."""
    found = []
    for at in values.values():
        pairs = [(at[child], at[parent]) for child, parent in parents if {child, parent} <= {*at}]
        found.append((len(pairs), _correlation(pairs)))
    return sum(n * r for n, r in found) / sum(n for n, _ in found)


def _index(values: dict[str, Values], fits: dict[str, tuple[float, ...]]) -> Values:
    """The best guess at the quality from one evaluation: tasks weighted by what they tell of it."""
    found: Values = defaultdict(lambda: defaultdict(float))
    for task, by_scale in values.items():
        *_, loading = fits[task]
        for scale, at in by_scale.items():
            mean, deviation = fmean(at.values()), float(np.std(list(at.values())))
            for name, value in at.items():
                found[scale][name] += loading / (1 - loading**2) * (value - mean) / deviation
    return found


def _shared(designs: list[dict[str, list[str]]], parents: list[tuple[str, str]]) -> float:
    """Share of a child's units that its parent has, by name."""
    units = {str(d["name"]): set(d["units"]) for d in designs if d["units"]}
    pairs = [(units[c], units[p]) for c, p in parents if c in units and p in units]
    return fmean(len(child & parent) / len(child) for child, parent in pairs)


def _correlation(pairs: list[tuple[float, float]]) -> float:
    return float(np.corrcoef(np.array(pairs).T)[0, 1])


def _compare(
    values: dict[str, Values],
    fits: dict[str, tuple[float, float, float, float]],
    parents: list[tuple[str, str]],
) -> None:
    fitness = {
        scale: {name: fmean(values[task][scale][name] for task in NINE) for name in at}
        for scale, at in values["blimp"].items()
    }
    quality = sum(deviation * loading for *_, deviation, loading in fits.values()) / len(NINE)
    noise = sum((d * sqrt(1 - r**2)) ** 2 for *_, d, r in fits.values()) / len(NINE) ** 2
    total = sqrt(quality**2 + noise)
    print("\nfitness   published mean, deviation   model mean, deviation")
    for scale, at in fitness.items():
        model = fmean(mean + gain * _doublings(scale) for mean, gain, *_ in fits.values())
        seen, spread = fmean(at.values()), np.std(list(at.values()), ddof=1)
        print(f"{scale:>5} ({len(at):3}) {seen:.4f}, {spread:.4f}    {model:.4f}, {total:.4f}")
    print(f"between scales: published {_between(fitness):.3f}, model {quality**2 / total**2:.3f}")
    print(f"parent and child: published {_related(fitness, parents):.3f}")
    print(f"one deviation of the quality is {quality:.4f} of fitness, the noise {sqrt(noise):.4f}")


if __name__ == "__main__":
    main()
