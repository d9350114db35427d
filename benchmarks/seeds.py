"""Size and speed of the designs: their linear-time cores beside loops, blocks beside GPT's.

Times are processor time of one thread for a forward and a backward pass in float32, medians of
rounds in which all take turns, so that a busy machine slows all of them alike. The allocator is set
as in sandbox workers. The script fails where a seed's core is not 5 times as fast as its loop at
1,024 positions, or its block takes over twice GPT's time at 256; and where any core takes over 2.3
times as long for 2,048 positions.

    python benchmarks/seeds.py [--rounds 9]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import cache
from types import ModuleType

import torch
from seed_cores import B, Core, cores
from torch import Tensor, nn

from genesys.evolution.seeds import seed_names
from genesys.gau.compose import compose
from genesys.gau.folder import load_tree
from genesys.gau.load import load_block
from genesys.resources import resource
from genesys.sandbox.process import ALLOCATOR

SEEDS = ("gpt2", "mamba2", "retnet", "rwkv6", "ttt")
DESIGNS = (*SEEDS, *(name for name in seed_names() if name not in SEEDS))
WIDTHS = (64, 96, 128, 192, 256)
SHAPES = ((16, 64, 64), (16, 256, 64), (16, 64, 128), (16, 256, 128), (2, 1024, 128))
N_BLOCK, LENGTH = 2, 1024
LEAST_SPEEDUP, MOST_GROWTH, MOST_OF_GPT = 5.0, 2.3, 2.0


@cache
def module(seed: str) -> ModuleType:
    """The composed block of a design."""
    return load_block(compose(load_tree(resource("seeds") / seed)))


def build(seed: str, dim: int, n_block: int) -> nn.ModuleList:
    return nn.ModuleList(
        module(seed).GAB(embed_dim=dim, block_loc=(i, n_block), **module(seed).gab_config)
        for i in range(n_block)
    )


def through(blocks: nn.ModuleList, X: Tensor) -> Tensor:
    for block in blocks:
        X, _ = block(X)
    return X


def seconds(compute: Callable[..., Tensor], inputs: list[Tensor]) -> float:
    """Processor time of a forward and a backward pass to the inputs."""
    start = time.process_time()
    compute(*inputs).square().mean().backward()
    taken = time.process_time() - start
    for x in inputs:
        x.grad = None
    return taken


def medians(contenders: list[Callable[[], float]], rounds: int) -> list[float]:
    """Median of what each gives, all in turns, after one round to warm up."""
    found = [[contender() for contender in contenders] for _ in range(rounds + 1)][1:]
    return [statistics.median(column) for column in zip(*found, strict=True)]


def print_sizes() -> None:
    print(f"| D | {' | '.join(DESIGNS)} |\n|{'---|' * (1 + len(DESIGNS))}")
    for dim in WIDTHS:
        sizes = [sum(p.numel() for p in build(name, dim, 1).parameters()) for name in DESIGNS]
        print(f"| {dim} |", *(f"{size:,} ({size / sizes[0]:.2f}) |" for size in sizes))


def check_equal(core: Core) -> None:
    inputs = core.inputs(LENGTH // 8)
    torch.testing.assert_close(core.fast(*inputs), core.loop(*inputs), atol=1e-3, rtol=1e-3)


def print_cores(rounds: int) -> list[str]:
    """What misses the limits, after a row for each core."""
    missed = []
    print("\n| core | tokens/s | loop, tokens/s | ratio | twice as long |\n|---|---|---|---|---|")
    for name, core in cores(module):
        check_equal(core)
        short, long = ([x.requires_grad_() for x in core.inputs(n * LENGTH)] for n in (1, 2))
        runs = (core.fast, short), (core.fast, long), (core.loop, short)
        fast, longer, loop = medians([lambda run=run: seconds(*run) for run in runs], rounds)
        speeds = [f"{B * LENGTH / taken:,.0f}" for taken in (fast, loop)]
        row = f"{name} | {' | '.join(speeds)} | {loop / fast:.1f} | {longer / fast:.2f}"
        print(f"| {row} |")
        if (name in SEEDS and loop / fast < LEAST_SPEEDUP) or longer / fast > MOST_GROWTH:
            missed.append(row)
    return missed


def print_blocks(rounds: int) -> list[str]:
    """What misses the limit, after a row for each shape."""
    missed = []
    print(f"\n| B x L x D | {' | '.join(DESIGNS)} |\n|{'---|' * (1 + len(DESIGNS))}")
    for batch, length, dim in SHAPES:
        stacks = [build(name, dim, N_BLOCK) for name in DESIGNS]
        X = torch.randn(batch, length, dim)

        def step(blocks: nn.ModuleList, X: Tensor = X) -> float:
            blocks.zero_grad(set_to_none=True)
            return seconds(lambda X: through(blocks, X), [X])

        times = medians([lambda blocks=blocks: step(blocks) for blocks in stacks], rounds)
        ratios = [taken / times[0] for taken in times]
        head = f"{batch} x {length} x {dim}"
        print(f"| {head} | {1e3 * times[0]:.1f} ms |", *(f"{ratio:.2f} |" for ratio in ratios[1:]))
        if length == 256:
            slow = zip(SEEDS, ratios, strict=False)
            missed += [f"{seed} at {head}: {r:.2f}" for seed, r in slow if r > MOST_OF_GPT]
    return missed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print_sizes()
    missed = print_cores(options.rounds) + print_blocks(options.rounds)
    if missed:
        raise SystemExit(f"Too slow: {'; '.join(missed)}")


if __name__ == "__main__":
    if os.environ.get("GLIBC_TUNABLES") != ALLOCATOR:  # read when a process starts
        environment = {**os.environ, "GLIBC_TUNABLES": ALLOCATOR}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)
    main()
