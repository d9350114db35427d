r"""Tokens per second of the trainer against a plain GPT in a plain loop, and memory of the loss.

All train the same blocks: width 128, 4 of them, batches of 16 sequences of 256 tokens. Each
contender has a process of its own, and all take turns of a few steps, so that a busy machine slows
all of them alike; compared are the best turns, by wall time and by processor time. `float32` and
`bf16` are the trainer as it runs in a sandbox worker: `training.fit` with Lightning, deterministic
operations, and the allocator settings of workers. `plain` is `plain_gpt.py` as a user starts it,
with glibc's own allocator settings; `plain, allocator` is the same with those of workers.

    python benchmarks/training_speed.py [--turns 7] [--steps 4] [--threads 2] \
        [--vocabulary 4096 32768]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

WIDTH, BLOCKS, LENGTH, BATCH = 128, 4, 256, 16
WARM_UP = 2
LIMITS = {"float32": {4096: 1.4, 32768: 2.0}, "bf16": {4096: 1.7, 32768: 1.7}}
CONTENDERS = (
    "plain",
    "plain, allocator",
    "float32",
    "bf16",
    "float32, compiled",
    "bf16, compiled",
)


def contend(contender: str, text: str, vocabulary: int, steps: int, threads: int) -> None:
    """Train; after every turn say what it took, and wait for a line."""
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    left, started = WARM_UP, now()

    def tick(*_: object) -> None:
        nonlocal left, started
        left -= 1
        if not left:
            print(json.dumps([end - start for start, end in zip(started, now(), strict=True)]))
            sys.stdout.flush()
            if not sys.stdin.readline():
                os._exit(0)
            left, started = steps, now()

    train = plain if contender.startswith("plain") else genesys
    train(contender, Path(text), vocabulary, tick)


def now() -> tuple[float, float]:
    """Wall and processor time in seconds."""
    return time.perf_counter(), time.process_time()


def plain(contender: str, text: Path, vocabulary: int, tick: Callable[..., None]) -> None:
    from plain_gpt import PlainGPT, train

    train(text, PlainGPT(WIDTH, BLOCKS, vocabulary, LENGTH), 1000, BATCH, LENGTH, tick)


def genesys(contender: str, text: Path, vocabulary: int, tick: Callable[..., None]) -> None:
    import torch
    from plain_gpt import Block

    from genesys.gau import GABBase
    from genesys.gau.model import GAM
    from genesys_verifiers.settings import Settings
    from genesys_verifiers.training.compiling import compile_blocks
    from genesys_verifiers.training.data import Batches
    from genesys_verifiers.training.loops import fit
    from genesys_verifiers.training.optimization import Schedule
    from genesys_verifiers.training.stepping import Stepper

    torch.use_deterministic_algorithms(True, warn_only=True)

    class GAB(GABBase):
        def __init__(self, embed_dim, block_loc, device=None, dtype=None, **kwargs):
            super().__init__(embed_dim, block_loc)
            self.inner = Block(embed_dim, embed_dim // 32)

        def _forward(self, X, **Z):
            return self.inner(X), Z

    model = GAM(GAB, WIDTH, BLOCKS, vocabulary)
    precision, *compiled = contender.split(", ")
    settings = Settings(sequence_length=LENGTH, batch_size=BATCH, precision=precision)
    batches = Batches(text, 1000, BATCH, LENGTH, seed=0)
    schedule = Schedule(1e-3, 1000, settings)
    if compiled:
        with TemporaryDirectory() as folder:
            refused = compile_blocks(Stepper(model.train(), schedule), next(iter(batches)), folder)
        if refused:
            raise SystemExit(f"The blocks cannot be compiled: {refused}")
    fit(model, batches, schedule, tick)


def start(
    contender: str, text: Path, vocabulary: int, steps: int, threads: int
) -> subprocess.Popen:
    from genesys.sandbox.process import ALLOCATOR

    environment = dict(os.environ, OMP_WAIT_POLICY="PASSIVE")
    if contender != "plain":
        environment["GLIBC_TUNABLES"] = ALLOCATOR
    asked = json.dumps([contender, str(text), vocabulary, steps, threads])
    return subprocess.Popen(
        [sys.executable, __file__, "--contend", asked],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def race(vocabulary: int, turns: int, steps: int, threads: int) -> dict[str, tuple[float, float]]:
    """Wall and processor seconds of each contender's best turns."""
    with TemporaryDirectory() as folder:
        text = Path(folder) / "train.bin"
        np.random.default_rng(0).integers(vocabulary, size=10**6, dtype=np.uint16).tofile(text)
        running = {}
        for contender in CONTENDERS:
            running[contender] = start(contender, text, vocabulary, steps, threads)
            running[contender].stdout.readline()  # warm
        found: dict[str, list[list[float]]] = {contender: [] for contender in CONTENDERS}
        for _ in range(turns):
            for contender, process in running.items():
                process.stdin.write("go\n")
                process.stdin.flush()
                found[contender].append(json.loads(process.stdout.readline()))
        for process in running.values():
            process.stdin.close()
            process.wait()
    return {
        contender: tuple(map(min, zip(*taken, strict=True))) for contender, taken in found.items()
    }


def memory(vocabulary: int) -> tuple[float, float]:
    """Peak MiB of the plain head with its loss, and of ours."""
    import torch
    from torch.nn import functional
    from torch.profiler import ProfilerActivity, profile

    from genesys_verifiers.training.loss import head_loss

    hidden = torch.randn(BATCH, LENGTH, WIDTH, requires_grad=True)
    head = torch.randn(vocabulary, WIDTH, requires_grad=True)
    targets = torch.randint(vocabulary, (BATCH, LENGTH))
    losses = (
        lambda: functional.cross_entropy((hidden @ head.T).flatten(0, 1), targets.flatten()),
        lambda: head_loss(hidden, head, targets),
    )
    peaks = []
    for loss in losses:
        hidden.grad = head.grad = None
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as found:
            loss().backward()
        events = [e for e in found.profiler.kineto_results.events() if e.name() == "[memory]"]
        events.sort(key=lambda event: event.start_ns())
        peaks.append(max(np.cumsum([event.nbytes() for event in events])) / 2**20)
    return peaks[0], peaks[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contend", help=argparse.SUPPRESS)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--vocabulary", type=int, nargs="*", default=[4096, 32768])
    options = parser.parse_args()
    if options.contend:
        contend(*json.loads(options.contend))
        return
    missed = []
    print("| vocabulary | | tokens/s | wall | processor |\n|---|---|---|---|---|")
    for vocabulary in options.vocabulary:
        best = race(vocabulary, options.turns, options.steps, options.threads)
        for contender, taken in best.items():
            speed = options.steps * BATCH * LENGTH / taken[0]
            wall, processor = (a / b for a, b in zip(best["plain"], taken, strict=True))
            print(f"| {vocabulary} | {contender} | {speed:,.0f} | {wall:.2f} | {processor:.2f} |")
            if wall < LIMITS.get(contender, {}).get(vocabulary, 0):
                missed.append(f"{contender} at {vocabulary}: {wall:.2f}")
    print("\n| vocabulary | plain head, MiB | chunked, MiB | ratio |\n|---|---|---|---|")
    for vocabulary in options.vocabulary:
        plain_mb, chunked_mb = memory(vocabulary)
        ratio = chunked_mb / plain_mb
        print(f"| {vocabulary} | {plain_mb:.0f} | {chunked_mb:.0f} | {ratio:.3f} |")
    if missed:
        raise SystemExit(f"Too slow: {', '.join(missed)}.")


if __name__ == "__main__":
    main()
