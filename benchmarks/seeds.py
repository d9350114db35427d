"""Size and speed of the seeds beside GPT: parameters of a block, seconds of a training step.

Run ``python benchmarks/seeds.py``; it takes about a minute on one core.
"""

from __future__ import annotations

import statistics
import time

import torch
from torch import nn

from genesys.gau.compose import compose
from genesys.gau.folder import load_tree
from genesys.gau.load import load_block
from genesys.resources import resource

SEEDS = ("gpt2", "mamba2", "retnet", "rwkv6", "ttt")
WIDTHS = (64, 96, 128, 192, 256)
SHAPES = ((8, 128, 64), (8, 256, 64), (8, 128, 128), (8, 256, 128), (2, 1024, 128))
N_BLOCK = 2
REPEATS = 9


def build(seed: str, dim: int, n_block: int) -> nn.ModuleList:
    module = load_block(compose(load_tree(resource("seeds") / seed)))
    return nn.ModuleList(
        module.GAB(embed_dim=dim, block_loc=(i, n_block), **module.gab_config)
        for i in range(n_block)
    )


def step(blocks: nn.ModuleList, X: torch.Tensor) -> float:
    """Seconds of one forward and backward pass."""
    start = time.perf_counter()
    blocks.zero_grad(set_to_none=True)
    for block in blocks:
        X, _ = block(X)
    X.square().mean().backward()
    return time.perf_counter() - start


def print_row(head: str, cells: list[str]) -> None:
    print(f"{head:20}", *(f"{cell:>18}" for cell in cells))


def print_sizes() -> None:
    print_row("parameters, D =", [*SEEDS])
    for dim in WIDTHS:
        sizes = [sum(p.numel() for p in build(seed, dim, 1).parameters()) for seed in SEEDS]
        print_row(str(dim), [f"{size:,} ({size / sizes[0]:.2f}x)" for size in sizes])


def print_times() -> None:
    print_row("step, B x L x D", [*SEEDS])
    for batch, length, dim in SHAPES:
        stacks = [build(seed, dim, N_BLOCK) for seed in SEEDS]
        X = torch.randn(batch, length, dim)
        # Taking turns spreads the machine's moods over all seeds.
        rounds = [[step(blocks, X) for blocks in stacks] for _ in range(REPEATS)]
        times = [statistics.median(column) for column in zip(*rounds, strict=True)]
        cells = [f"{1e3 * t:.1f} ms ({t / times[0]:.2f}x)" for t in times]
        print_row(f"{batch} x {length} x {dim}", cells)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print_sizes()
    print_times()
