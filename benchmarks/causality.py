"""The causality check beside the paper's method: seconds on causal blocks, and what each catches.

The paper replaces the input from each position on, one forward pass for each (app. B.1.2). Both
run in a guest, at one width and number of blocks; processor time of guests and of this process,
best of several, in turns. Run ``python benchmarks/causality.py``; it takes some minutes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from genesys.gau.folder import load_tree
from genesys.records import Design, Unit
from genesys.resources import resource
from genesys.sandbox import Limits, Sandbox
from genesys_checkers.block import Block, open_block
from genesys_checkers.causality import CausalityChecker
from genesys_checkers.faults import Fault
from genesys_checkers.probe import Shape, compare, record
from genesys_checkers.schedule import schedule
from tests.checkers.conftest import root_over, unit
from tests.checkers.zoo import ACROSS_ROWS, CAUSAL, LEAKY

LENGTH = 512
TOLERANCE = 1e-5
SHAPE = Shape(width=64, blocks=2)
SMALL = Shape(width=32, blocks=2)
Method = Callable[[Block, Block], None]
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


def ours(block: Block, twin: Block, shape: Shape = SHAPE) -> None:
    """The whole check."""
    trials = schedule()
    compare(twin, trials, record(block, trials, shape), shape)


def papers(block: Block, _: Block, shape: Shape = SHAPE, batch: int = 1) -> None:
    """L - 1 forward passes, in float32 and training mode."""
    block.build(shape.width, shape.blocks)
    noise = np.random.default_rng(0)
    X, other = (
        noise.standard_normal((batch, LENGTH, shape.width), dtype=np.float32) for _ in range(2)
    )
    Y = block.forward(X)
    for cut in range(1, LENGTH):
        X2 = np.concatenate([X[:, :cut], other[:, cut:]], 1)
        if np.abs(block.forward(X2)[:, :cut] - Y[:, :cut]).max() > TOLERANCE:
            raise Fault(f"a leak at {cut}")


def papers_twice(block: Block, twin: Block) -> None:
    """The same with two rows."""
    papers(block, twin, batch=2)


METHODS: dict[str, Method] = {
    "ours": ours,
    "paper's, B = 1": papers,
    "paper's, B = 2": papers_twice,
}


@contextmanager
def opened(design: Design, boxes: Sequence[Sandbox]) -> Iterator[tuple[Block, Block]]:
    """Two guests, each in a sandbox of its own: one may have no room for another."""
    with open_block(design, boxes[0]) as block, open_block(design, boxes[1]) as twin:
        yield block, twin


def seconds(method: Method, block: Block, twin: Block) -> float:
    """Processor time of both guests and of this process."""

    def now() -> float:
        return time.process_time() + block.guest.cpu_seconds() + twin.guest.cpu_seconds()

    began = now()
    method(block, twin)
    return now() - began


def measure(design: Design, boxes: Sequence[Sandbox], rounds: int) -> None:
    best = dict.fromkeys(METHODS, float("inf"))
    with opened(design, boxes) as (block, twin):
        for _ in range(rounds):
            for name, method in METHODS.items():
                best[name] = min(best[name], seconds(method, block, twin))
    for name, took in best.items():
        print(f"{design.name}: {name}: {took:.2f} s; ours takes {best['ours'] / took:.2f} of it")


def we_accuse(design: Design, boxes: Sequence[Sandbox]) -> bool:
    return not CausalityChecker([SMALL.width], SMALL.blocks).check(design, boxes[0]).valid


def paper_accuses(design: Design, boxes: Sequence[Sandbox]) -> bool:
    with opened(design, boxes) as (block, twin):
        try:
            papers(block, twin, SMALL)
        except Fault:
            return True
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    limits = Limits(threads=1, seconds=600)
    attention = load_tree(resource("seeds") / "gpt2").as_design(name="attention")
    recurrent = Unit(name="Recurrent", code=RECURRENT)
    with Sandbox(limits) as first, Sandbox(limits) as second:
        boxes = (first, second)
        measure(attention, boxes, options.rounds)
        measure(
            Design(name="recurrent", root="Recurrent", units=[recurrent]), boxes, options.rounds
        )
        for what, zoo in (("leaky", LEAKY), ("across rows", ACROSS_ROWS), ("causal", CAUSAL)):
            designs = [root_over(unit(*lines)) for lines in zoo.values()]
            for name, accuses in (("ours", we_accuse), ("paper's", paper_accuses)):
                found = sum(accuses(design, boxes) for design in designs)
                print(f"{name} accuses {found} of {len(zoo)} {what} blocks of the zoo")


if __name__ == "__main__":
    main()
