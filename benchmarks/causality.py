"""The causality check beside the paper's method: seconds on causal blocks, and what each catches.

The paper replaces the input from each position on, one forward pass for each (app. B.1.2). Both
run in a guest, at one width and number of blocks; processor time of guests and of this process,
best of several, in turns. Run ``python benchmarks/causality.py``; it takes some minutes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from genesys.gau.folder import load_tree
from genesys.records import Design, Unit
from genesys.resources import resource
from genesys.sandbox import Limits, Sandbox
from genesys_checkers import probe
from genesys_checkers.block import Block, open_block
from genesys_checkers.rounding import DOUBLE
from genesys_checkers.schedule import schedule

LENGTH = 512
SHAPE = probe.Shape(width=64, blocks=2)
RECURRENT = '''\
# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class Recurrent(GAUBase):
    """A gated recurrence, step by step."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.norm = nn.LayerNorm(embed_dim, **self.factory_kwargs)
        self.map = nn.Linear(embed_dim, 2 * embed_dim, **self.factory_kwargs)
        self.back = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, **Z):
        state, states = torch.zeros_like(X[:, 0]), []
        for new, gate in (pair.chunk(2, -1) for pair in self.map(self.norm(X)).unbind(1)):
            gate = gate.sigmoid()
            state = gate * state + (1 - gate) * torch.tanh(new + self.back(state))
            states.append(state)
        return X + torch.stack(states, 1)


@gau_test
def test_recurrent_keeps_shape(device=None, dtype=None) -> None:
    unit = Recurrent(embed_dim=8, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    assert unit(torch.zeros(1, 3, 8, device=device, dtype=dtype))[0].shape == (1, 3, 8)


CHILDREN_DECLARATIONS = []
'''


def ours(block: Block, twin: Block) -> None:
    """The whole check."""
    trials = schedule(DOUBLE)
    probe.compare(twin, trials, probe.record(block, trials, SHAPE), SHAPE)


def papers(block: Block, _: Block, batch: int) -> None:
    """L - 1 forward passes, in float32 and training mode."""
    block.build(SHAPE.width, SHAPE.blocks)
    noise = np.random.default_rng(0)
    X, other = (
        noise.standard_normal((batch, LENGTH, SHAPE.width), dtype=np.float32) for _ in range(2)
    )
    Y = block.forward(X)
    for cut in range(1, LENGTH):
        X2 = np.concatenate([X[:, :cut], other[:, cut:]], 1)
        if np.abs(block.forward(X2)[:, :cut] - Y[:, :cut]).max() > 1e-5:
            raise AssertionError(f"a leak at {cut}")


def seconds(method: Callable[[Block, Block], None], block: Block, twin: Block) -> float:
    """Processor time of both guests and of this process."""

    def now() -> float:
        return time.process_time() + block.guest.cpu_seconds() + twin.guest.cpu_seconds()

    began = now()
    method(block, twin)
    return now() - began


def measure(design: Design, rounds: int) -> None:
    methods = {
        "ours": ours,
        "paper's, B = 1": lambda block, twin: papers(block, twin, 1),
        "paper's, B = 2": lambda block, twin: papers(block, twin, 2),
    }
    best = dict.fromkeys(methods, float("inf"))
    limits = Limits(threads=1, seconds=600)
    # Each in a sandbox of its own: one that serves a guest may have no room for another.
    with Sandbox(limits) as first, Sandbox(limits) as second:
        with open_block(design, first, limits) as block, open_block(design, second, limits) as twin:
            for _ in range(rounds):
                for name, method in methods.items():
                    best[name] = min(best[name], seconds(method, block, twin))
    for name, took in best.items():
        print(f"{design.name}: {name}: {took:.2f} s; ours is {best['ours'] / took:.3f} of it")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    measure(load_tree(resource("seeds") / "gpt2").as_design(name="attention"), options.rounds)
    recurrent = Unit(name="Recurrent", code=RECURRENT)
    measure(Design(name="recurrent", root="Recurrent", units=[recurrent]), options.rounds)


if __name__ == "__main__":
    main()
