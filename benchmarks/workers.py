"""Throughput of two workers of one thread each against one worker of two threads.

Sandbox guests train the seed `gpt2` as a verification has them do it. One guest of two threads and
two of one thread, side by side, take turns of some seconds, and steps are counted from outside;
printed are medians over the turns. `T` has 4 blocks of 128, a vocabulary of 4,096 and batches of 16
sequences of 256 tokens; `tiny` is the first rung of the nano ladder. This is about two cores: wall
times tell nothing while other work runs on them. The script fails below 1.15 times (`T`) and 1.6
times (`tiny`) the throughput.

    python benchmarks/workers.py [--turns 7] [--seconds 5]
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from genesys.sandbox import Job, Limits, Sandbox
from genesys_verifiers.opening import ENTRY
from genesys_verifiers.reference import code
from genesys_verifiers.remote import RemoteModel
from genesys_verifiers.settings import Settings, Task


class Shape(NamedTuple):
    """What is trained, and how much more two workers are to get done."""

    n_block: int
    width: int
    vocabulary: int
    length: int
    least: float


SHAPES = {"T": Shape(4, 128, 4096, 256, 1.15), "tiny": Shape(2, 64, 2048, 64, 1.6)}
BATCH, WARM_UP_SECONDS = 16, 2.0


@contextmanager
def guest(sandbox: Sandbox, shape: Shape, text: Path, threads: int) -> Iterator[RemoteModel]:
    """A guest with a model, ready to train."""
    settings = Settings(sequence_length=shape.length, batch_size=BATCH, threads=threads)
    task = Task(
        block=code(),
        learning_rate=1e-3,
        steps=10**6,
        seed=0,
        vocab_size=shape.vocabulary,
        train_folder=str(text),
        settings=settings,
    )
    limits = Limits(seconds=3600, threads=threads, readable=[str(text)])
    with sandbox.open(Job(entry=ENTRY, payload=task.model_dump(mode="json"), limits=limits)) as it:
        model = RemoteModel(it, shape.vocabulary, limits.memory_mb)
        model.load()
        model.build(shape.n_block, shape.width)
        yield model


def speed(model: RemoteModel, seconds: float) -> float:
    """Steps per second in a turn, from the end of its first step on."""
    ends: list[float] = []
    model.train(lambda *_: ends.append(time.perf_counter()), seconds)
    return (len(ends) - 1) / (ends[-1] - ends[0])


def race(sandbox: Sandbox, shape: Shape, turns: int, seconds: float) -> list[tuple[float, float]]:
    """Steps per second of one guest of two threads, and of two of one thread, in each turn."""
    with TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool, ExitStack() as stack:
        text = Path(folder)
        tokens = np.random.default_rng(0).integers(shape.vocabulary, size=10**6, dtype=np.uint16)
        tokens.tofile(text / "train.bin")
        wide, *narrow = (
            stack.enter_context(guest(sandbox, shape, text, threads)) for threads in (2, 1, 1)
        )

        def turn(seconds: float) -> tuple[float, float]:
            alone = speed(wide, seconds)
            return alone, sum(pool.map(lambda model: speed(model, seconds), narrow))

        turn(WARM_UP_SECONDS)
        return [turn(seconds) for _ in range(turns)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    if (cores := len(os.sched_getaffinity(0))) < 2:
        raise SystemExit(f"This needs two cores; here is {cores}.")
    missed = []
    print("| | one worker, tokens/s | two workers, tokens/s | ratio |\n|---|---|---|---|")
    with Sandbox(workers=3) as sandbox:
        for name, shape in SHAPES.items():
            speeds = race(sandbox, shape, options.turns, options.seconds)
            one, two = (
                statistics.median(column) * BATCH * shape.length
                for column in zip(*speeds, strict=True)
            )
            ratio = statistics.median(after / before for before, after in speeds)
            print(f"| {name} | {one:,.0f} | {two:,.0f} | {ratio:.2f} |", flush=True)
            if ratio < shape.least:
                missed.append(f"{name}: {ratio:.2f}, below {shape.least}")
    if missed:
        raise SystemExit(f"Too slow: {'; '.join(missed)}")


if __name__ == "__main__":
    main()
