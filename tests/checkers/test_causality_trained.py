"""The seeds are not accused after training either."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.nn import functional

from genesys.gau import GAM
from genesys.gau.compose import compose
from genesys.gau.folder import load_tree
from genesys.gau.load import load_block
from genesys.resources import resource
from genesys_checkers.block import Block
from genesys_checkers.guest import BlockGuest
from genesys_checkers.probe import Shape, compare, record
from genesys_checkers.schedule import schedule
from genesys_checkers.text import batches

SHAPE = Shape(width=32, blocks=2)
SEEDS = ("gpt2", "mamba2", "retnet", "rwkv6", "ttt")


class Trained(BlockGuest):
    """Builds models with trained weights, in this process: seeds are trusted."""

    weights: dict[str, torch.Tensor]

    def build(self, *args: Any, **asked: Any) -> dict[str, Any]:
        built = super().build(*args, **asked)
        if asked["width"] == SHAPE.width:
            self.model.load_state_dict(self.weights, strict=False)
        return built

    def call(self, method: str, on_event: Any = None, **asked: Any) -> dict[str, Any]:
        return getattr(self, method)(**asked)


def train(code: str, steps: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    module = load_block(code)
    model = GAM(module.GAB, SHAPE.width, SHAPE.blocks, 256, module.gab_config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    first = last = 0.0
    for batch in batches(steps, 4, 65):
        ids = torch.as_tensor(batch)
        logits = model(ids[:, :-1])
        loss = functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        first, last = first or loss.item(), loss.item()
    assert last < 0.7 * first
    return model.state_dict()


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("seed", SEEDS)
def test_trained_seed_is_not_accused(seed: str) -> None:
    tree = load_tree(resource("seeds") / seed)
    code = compose(tree)
    guest = Trained({"code": code}, lambda event: None, "")
    guest.weights = train(code, steps=120)
    block = Block(tree, code, guest)
    block.load()
    trials = schedule()
    compare(block, trials, record(block, trials, SHAPE), SHAPE)
