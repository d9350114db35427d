"""Weight and speed of the reference units: the block each is tried in beside GPT's.

Times are processor time of one thread for a forward and a backward pass of one block in float32,
medians of rounds in which all take turns, as in seeds.py.

    python benchmarks/units.py [--rounds 9] [--width 64] [unit ...]
"""

from __future__ import annotations

import argparse
import os
import sys

import torch
from torch import Tensor, nn

from genesys.gau.compose import compose
from genesys.gau.load import load_block
from genesys.gau.reference import hosted, reference_units
from genesys.sandbox.process import ALLOCATOR
from seeds import medians, module, seconds

SHAPES = ((4, 256), (1, 1024))


def build(name: str, width: int) -> nn.Module:
    """The block that a reference unit is tried in, or GPT's."""
    code = module("gpt2") if name == "gpt2" else load_block(compose(hosted(name)))
    return code.GAB(embed_dim=width, block_loc=(0, 2), **code.gab_config)


def step(block: nn.Module, X: Tensor) -> float:
    block.zero_grad(set_to_none=True)
    return seconds(lambda X: block(X)[0], [X])


def main() -> None:
    known = [name for name, unit in reference_units().items() if unit.role != "part"]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("units", nargs="*", metavar="unit")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--width", type=int, default=64)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    names = ["gpt2", *(options.units or known)]
    blocks = [build(name, options.width) for name in names]
    sizes = [sum(p.numel() for p in block.parameters()) for block in blocks]
    columns = []
    for batch, length in SHAPES:
        X = torch.randn(batch, length, options.width)
        turns = [lambda block=block, X=X: step(block, X) for block in blocks]
        columns.append(medians(turns, options.rounds))
    shapes = " | ".join(f"{batch} x {length}" for batch, length in SHAPES)
    print(f"| unit | weight | {shapes} |\n|{'---|' * (2 + len(SHAPES))}")
    for name, size, *times in zip(names, sizes, *columns, strict=True):
        ratios = (taken / column[0] for taken, column in zip(times, columns, strict=True))
        print(f"| {name} | {size / sizes[0]:.2f} |", *(f"{ratio:.2f} |" for ratio in ratios))


if __name__ == "__main__":
    if os.environ.get("GLIBC_TUNABLES") != ALLOCATOR:  # read when a process starts
        environment = {**os.environ, "GLIBC_TUNABLES": ALLOCATOR}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)
    main()
