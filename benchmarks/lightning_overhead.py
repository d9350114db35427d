"""What Lightning costs: GPT's training step in it against a bare PyTorch loop, in one run.

Both train the same model on the same batches with the same optimiser, in turns. Times are processor
time of this process, so that a busy machine hardly changes them; the ratio is that of the medians.
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
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import yaml
from torch.optim.lr_scheduler import LambdaLR

from genesys.gau.compose import compose
from genesys.gau.folder import load_tree
from genesys.gau.load import load_block
from genesys.gau.model import GAM
from genesys.resources import resource
from genesys.sandbox.process import ALLOCATOR
from genesys_verifiers.data import Batches
from genesys_verifiers.training import Schedule, fit, loss_of, optimizer_of

WARM_UP = 5
MOST_RATIO = 1.10


def bare(model: GAM, batches: Batches, schedule: Schedule, tick: Callable[[], None]) -> None:
    """The same training without Lightning."""
    optimizer = optimizer_of(model, schedule)
    scheduler = LambdaLR(optimizer, schedule.factor)
    for batch in batches:
        loss = loss_of(model, batch)
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), schedule.clip)
        optimizer.step()
        scheduler.step()
        float(loss.detach())
        float(norm)
        tick()


def times_of(train: Callable[[Callable[[], None]], None]) -> list[float]:
    """Processor seconds of each step but the first few."""
    ticks: list[float] = []
    train(lambda: ticks.append(time.process_time()))
    steps = [after - before for before, after in itertools.pairwise(ticks)]
    return steps[WARM_UP:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    configs = resource("configs")
    settings = yaml.safe_load((configs / "verifier" / "lightning.yaml").read_text())
    vocabulary = yaml.safe_load((configs / "corpus" / "local_text.yaml").read_text())["vocab_size"]
    scales = yaml.safe_load((configs / "ladder" / "nano.yaml").read_text())["scales"]
    gpt2 = load_block(compose(load_tree(resource("seeds") / "gpt2")))
    names = ("warmup", "floor", "weight_decay", "clip")
    print("| scale | bare, ms | Lightning, ms | ratio |\n|---|---|---|---|")
    worst = 0.0
    with TemporaryDirectory() as folder:
        text = Path(folder) / "train.bin"
        np.random.default_rng(0).integers(vocabulary, size=200_000, dtype=np.uint16).tofile(text)
        for scale in scales:
            schedule = Schedule(scale["learning_rate"], options.steps, *map(settings.get, names))
            found: tuple[list[float], list[float]] = ([], [])
            for _ in range(options.rounds):
                for which, train in enumerate((bare, fit)):
                    torch.manual_seed(0)
                    model = GAM(gpt2.GAB, scale["d_model"], scale["n_block"], vocabulary)
                    size = settings["batch_size"], settings["sequence_length"]
                    batches = Batches(text, options.steps, *size, seed=0)
                    found[which].extend(
                        times_of(
                            lambda tick, run=train, m=model, b=batches, s=schedule: run(
                                m, b, s, lambda *_: tick()
                            )
                        )
                    )
            plain, lightning = (1e3 * statistics.median(steps) for steps in found)
            worst = max(worst, lightning / plain)
            print(f"| {scale['name']} | {plain:.1f} | {lightning:.1f} | {lightning / plain:.3f} |")
    if worst > MOST_RATIO:
        raise SystemExit(f"Lightning costs more than {MOST_RATIO - 1:.0%}: {worst:.3f}")


if __name__ == "__main__":
    if os.environ.get("GLIBC_TUNABLES") != ALLOCATOR:  # read when a process starts
        environment = {**os.environ, "GLIBC_TUNABLES": ALLOCATOR}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)
    main()
