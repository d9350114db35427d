"""Shows what the probes tell apart: the seeds, and a block that mixes no tokens.

Prints a Markdown table of accuracies; its last lines are those of the same models untrained,
chance, and the largest standard error. Seconds are processor time of the training on one thread:
the median of a few steps, times their number.

    python benchmarks/probes.py [--tokens 1200000] [--designs gpt2 mamba2 ...]
"""

from __future__ import annotations

import argparse
import time
from statistics import fmean, median

import torch
from nano import Nano, seed_design

from genesys.gau.compose import compose
from genesys.gau.load import load_block
from genesys.gau.model import GAM
from genesys.gau.tree import GAUTree
from genesys.records import Design, Scale, Unit, VerificationReport
from genesys.sandbox import Sandbox
from genesys_verifiers.curricula import Probes
from genesys_verifiers.probes.training import ProbeBatches
from genesys_verifiers.settings import Settings
from genesys_verifiers.tasks.probes import VOCABULARY
from genesys_verifiers.training.optimization import Schedule
from genesys_verifiers.training.stepping import Stepper

SEEDS = ("gpt2", "mamba2", "retnet", "rwkv6", "ttt")
POINTWISE = "Pointwise"
STEPS = 15
CODE = '''\
# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase


class Pointwise(GAUBase):
    """A gated MLP that sees one token at a time."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.norm = nn.LayerNorm(embed_dim, **self.factory_kwargs)
        self.up = nn.Linear(embed_dim, 12 * embed_dim, **self.factory_kwargs)
        self.down = nn.Linear(6 * embed_dim, embed_dim, **self.factory_kwargs)

    def _forward(self, X, **Z):
        gate, value = self.up(self.norm(X)).chunk(2, dim=-1)
        return X + self.down(torch.nn.functional.silu(gate) * value), Z


CHILDREN_DECLARATIONS = []
'''


def design_of(name: str) -> Design:
    if name == POINTWISE:
        return Design(name=name, root=name, units=[Unit(name=name, code=CODE)])
    return seed_design(name)


def seconds(design: Design, scale: Scale, report: VerificationReport) -> float:
    """Processor time of the training; the designs are ours, so they may run here."""
    torch.set_num_threads(1)
    settings = Probes().settings(Settings(threads=1))
    block = load_block(compose(GAUTree.of(design)))
    model = GAM(block.GAB, report.embed_dim, report.n_block, VOCABULARY, block.gab_config)
    schedule = Schedule(scale.learning_rate, settings.steps(scale), settings)
    stepper, taken = Stepper(model.train(), schedule), []
    for batch in ProbeBatches(STEPS, settings.batch_size, seed=0):
        started = time.process_time()
        stepper.take(batch)
        taken.append(time.process_time() - started)
    return median(taken) * schedule.steps


def row(name: str, values: list[float], *others: object) -> str:
    cells = [f"{value:.2f}" for value in [*values, fmean(values)]]
    return f"| {' | '.join([name, *cells, *map(str, others)])} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, help="those of the rung by default")
    parser.add_argument("--designs", nargs="+", default=[*SEEDS, POINTWISE])
    options = parser.parse_args()
    reports: list[VerificationReport] = []
    with Sandbox() as sandbox:
        nano = Nano(sandbox, ["ladder=nano_probes", "verifier.threads=1", "verifier.seconds=1800"])
        scale = next(iter(nano.scales.values()))
        scale = scale.model_copy(update={"tokens": options.tokens or scale.tokens})
        for name in options.designs:
            design = design_of(name)
            report = nano.verify(design, scale)
            if not reports:
                tasks = [score.task.replace("_", " ") for score in report.scores]
                head = ["design", *tasks, "mean", "seconds"]
                print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
            reports.append(report)
            values = [score.value for score in report.scores]
            print(row(name, values, round(seconds(design, scale, report))), flush=True)
    scores = [list(parts) for parts in zip(*(r.scores for r in reports), strict=True)]
    print(row("untrained, mean", [fmean(s.untrained or 0.0 for s in own) for own in scores], ""))
    print(row("chance", [own[0].chance or 0.0 for own in scores], ""))
    print(row("largest error", [max(s.stderr or 0.0 for s in own) for own in scores], ""))


if __name__ == "__main__":
    main()
