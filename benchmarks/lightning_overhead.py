"""What Lightning costs: GPT's training step in it against a bare PyTorch loop, in one run.

Both take the same step of the same model on the same batches, in turns. Times are processor time of
this process, so that a busy machine hardly changes them; compared are the medians. A step of 20 ms
or more may take 1.05 times as long in Lightning, a shorter one 0.6 ms more.
The allocator is set as in sandbox workers, where trainings run: with glibc's own settings the time
that goes into page faults depends on which tensor is freed first.

    python benchmarks/lightning_overhead.py [--rounds 8] [--steps 40] [--threads 1]
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import yaml

from genesys.gau.compose import compose
from genesys.gau.folder import load_tree
from genesys.gau.load import load_block
from genesys.gau.model import GAM
from genesys.resources import resource
from genesys.sandbox.process import ALLOCATOR
from genesys_verifiers.settings import Loop, Settings
from genesys_verifiers.training.data import Batches
from genesys_verifiers.training.loops import fit
from genesys_verifiers.training.optimization import Schedule

WARM_UP = 5
LONG, MOST_RATIO, MOST_EXTRA = 20.0, 1.05, 0.6  # ms, ratio, ms
VOCABULARY = 2048
TINY = {"name": "tiny", "n_block": 1, "d_model": 16}


def times_of(model: GAM, batches: Batches, schedule: Schedule) -> list[float]:
    """Milliseconds of processor time of each step but the first few."""
    ticks: list[float] = []
    fit(model, batches, schedule, lambda _: ticks.append(1e3 * time.process_time()))
    return [after - before for before, after in itertools.pairwise(ticks)][WARM_UP:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    scales = yaml.safe_load((resource("configs") / "ladder" / "nano.yaml").read_text())["scales"]
    block = load_block(compose(load_tree(resource("seeds") / "gpt2")))
    missed = []
    print("| scale | bare, ms | Lightning, ms | ratio | more, ms |\n|---|---|---|---|---|")
    with TemporaryDirectory() as folder:
        text = Path(folder) / "train.bin"
        np.random.default_rng(0).integers(64, size=200_000, dtype=np.uint16).tofile(text)
        for scale in (TINY, *scales):
            vocabulary = 64 if scale is TINY else VOCABULARY
            found: tuple[list[float], list[float]] = ([], [])
            for _ in range(options.rounds):
                for loop, times in zip((Loop.BARE, Loop.LIGHTNING), found, strict=True):
                    torch.manual_seed(0)
                    settings = Settings(batch_size=2 if scale is TINY else 16, loop=loop)
                    schedule = Schedule(0.01, options.steps, settings)
                    model = GAM(block.GAB, scale["d_model"], scale["n_block"], vocabulary)
                    size = settings.batch_size, settings.sequence_length
                    batches = Batches(text, options.steps, *size, seed=0)
                    times.extend(times_of(model, batches, schedule))
            plain, lightning = map(statistics.median, found)
            ratio, more = lightning / plain, lightning - plain
            row = f"{scale['name']} | {plain:.1f} | {lightning:.1f} | {ratio:.3f} | {more:.2f}"
            print(f"| {row} |")
            if ratio > MOST_RATIO if plain >= LONG else more > MOST_EXTRA:
                missed.append(row)
    if missed:
        raise SystemExit(f"Lightning costs too much: {'; '.join(missed)}")


if __name__ == "__main__":
    if os.environ.get("GLIBC_TUNABLES") != ALLOCATOR:  # read when a process starts
        environment = {**os.environ, "GLIBC_TUNABLES": ALLOCATOR}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)
    main()
