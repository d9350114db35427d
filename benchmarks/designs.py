"""Compares the shipped designs at nano, as tables 5 and 14 of the paper do at its sizes.

Verifies each design with each seed and prints Markdown tables: mean accuracy and bits per byte with
their deviations over seeds, training steps in the time that GPT takes for one, and the accuracy on
each task. Reports are kept in a folder, by the design's code: the same command goes on where it
stopped, and prints the tables when it is through. A minute or two a design and seed at 0.1M.

    python benchmarks/designs.py [--seeds 3] [--scale 0.1M] [--keep runs/designs]

With --units it verifies, with one seed, every reference unit in a block of its own instead: in the
GPT seed in place of what it may stand for.

    python benchmarks/designs.py --units --seeds 1
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import fmean, stdev

import torch
from nano import Nano, seed_design
from torch import nn

from genesys.evolution.seeds import seed_names
from genesys.files import write_text
from genesys.gau.compose import compose
from genesys.gau.load import load_block
from genesys.gau.reference import hosted, reference_units
from genesys.gau.tree import GAUTree
from genesys.records import Design, Outcome, Scale, Score, VerificationReport
from genesys.sandbox import Sandbox
from seeds import medians, seconds, through

REFERENCE = "gpt2"
SHAPES = ((16, 64, 64), (2, 1024, 64))  # B, L and D of the training steps that are timed

Reports = list[VerificationReport]


def unit_design(name: str) -> Design:
    """A reference unit in its host."""
    return hosted(name).as_design(name)


def units() -> list[str]:
    """The reference units that can be tried; a part is within those that call it."""
    return [name for name, unit in reference_units().items() if unit.role != "part"]


class Bench:
    """Verifies what has no report yet.

    Args:
        nano: Verifies.
        scale: At which.
        folder: Of the reports.
    """

    def __init__(self, nano: Nano, scale: Scale, folder: Path) -> None:
        self._nano, self._scale = nano, scale
        self._folder = folder / f"{scale.name}-{scale.tokens}"
        self._folder.mkdir(parents=True, exist_ok=True)

    def report(self, design: Design, seed: int) -> VerificationReport:
        """The report that is kept, or a new one. One that the machine spoilt is not kept."""
        path = self._folder / f"{design.name}-{design.structural_hash[:8]}-{seed}.json"
        if path.exists():
            return VerificationReport.model_validate_json(path.read_text())
        report = self._nano.report(design, self._scale, seed)
        print(f"{design.name}, seed {seed}: {report.fitness or report.error}", flush=True)
        if report.outcome is not Outcome.MACHINE_ERROR:
            write_text(path, report.model_dump_json(indent=2) + "\n")
        return report


def accuracies(report: VerificationReport) -> list[Score]:
    return [score for score in report.scores if score.is_accuracy]


def bits(report: VerificationReport) -> float:
    return next(s.value for s in report.scores if s.metric == "bits_per_byte")


def spread(values: Iterable[float]) -> str:
    """Mean and deviation."""
    found = list(values)
    deviation = f" ± {stdev(found):.3f}" if len(found) > 1 else ""
    return f"{fmean(found):.3f}{deviation}"


def speeds(design: Design, shape: tuple[int, int, int], rounds: int = 7) -> str:
    """Training steps in the time that GPT takes for one: processor time, by turns."""
    X = torch.randn(shape)
    stacks = [stack(GAUTree.of(d), X.shape[-1]) for d in (seed_design(REFERENCE), design)]

    def step(blocks: nn.ModuleList) -> float:
        blocks.zero_grad(set_to_none=True)
        return seconds(lambda X: through(blocks, X), [X])

    reference, own = medians([lambda blocks=blocks: step(blocks) for blocks in stacks], rounds)
    return f"{reference / own:.2f}"


def stack(tree: GAUTree, dim: int, n_block: int = 2) -> nn.ModuleList:
    """Blocks of a design that is ours, so that it may run here."""
    module = load_block(compose(tree))
    return nn.ModuleList(
        module.GAB(embed_dim=dim, block_loc=(i, n_block), **module.gab_config)
        for i in range(n_block)
    )


def show(head: list[str], rows: Iterable[list[str]]) -> None:
    print(f"\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def show_all(found: dict[str, Reports], make: Callable[[str], Design]) -> None:
    """Two tables, best design first, and what failed."""
    good = {n: rs for n, rs in found.items() if all(r.outcome is Outcome.OK for r in rs)}
    mean = {name: fmean(r.fitness or 0.0 for r in reports) for name, reports in good.items()}
    ranked = sorted(good, key=lambda name: -mean[name])
    lengths = [f"speed, L = {length}" for _, length, _ in SHAPES]
    show(
        ["design", "parameters", "accuracy", "bits per byte", *lengths],
        (
            [
                name,
                f"{good[name][0].parameters:,}",
                spread(r.fitness or 0.0 for r in good[name]),
                spread(bits(r) for r in good[name]),
                *(speeds(make(name), shape) for shape in SHAPES),
            ]
            for name in ranked
        ),
    )
    tasks = [score.task for score in accuracies(good[ranked[0]][0])] if ranked else []
    show(
        ["design", *(task.replace("_", " ") for task in tasks), "mean"],
        (
            [
                name,
                *(
                    f"{fmean(scores):.3f}"
                    for scores in zip(
                        *([s.value for s in accuracies(r)] for r in good[name]), strict=True
                    )
                ),
                f"{mean[name]:.3f}",
            ]
            for name in ranked
        ),
    )
    for name in found.keys() - good.keys():
        print(f"\n{name} failed: {next(r.error for r in found[name] if r.error)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--designs", nargs="+", help="all by default, or all units with --units")
    parser.add_argument("--units", action="store_true", help="reference units instead of designs")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--scale", default="0.1M")
    parser.add_argument("--tokens", type=int, help="those of the scale by default")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("runs/designs"))
    options = parser.parse_args()
    make = unit_design if options.units else seed_design
    torch.set_num_threads(1)
    names = options.designs or (units() if options.units else seed_names())
    folder = options.keep / "units" if options.units else options.keep
    found: dict[str, Reports] = {name: [] for name in names}
    with Sandbox() as sandbox:
        nano = Nano(sandbox, [f"verifier.threads={options.threads}"])
        scale = nano.scales[options.scale]
        scale = scale.model_copy(update={"tokens": options.tokens or scale.tokens, "seeds": 1})
        bench = Bench(nano, scale, folder)
        for seed in range(options.seeds):
            for name in names:
                found[name].append(bench.report(make(name), seed))
    show_all(found, make)


if __name__ == "__main__":
    main()
