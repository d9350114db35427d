"""Small models of the seed ``gpt2``, batches and settings, for tests of the training."""

from __future__ import annotations

import torch
from torch import Tensor

from genesys.gau.compose import compose
from genesys.gau.folder import load_tree
from genesys.gau.load import load_block
from genesys.gau.model import GAM
from genesys.resources import resource


def gpt2(vocab_size: int = 64, seed: int = 0, d_model: int = 32, n_block: int = 2) -> GAM:
    """A model of the seed ``gpt2``."""
    torch.manual_seed(seed)
    block = load_block(compose(load_tree(resource("seeds") / "gpt2")))
    return GAM(block.GAB, d_model, n_block, vocab_size, block.gab_config)


def batch(vocab_size: int = 64, rows: int = 6, length: int = 24) -> Tensor:
    """Random tokens of shape (rows, length + 1)."""
    return torch.randint(vocab_size, (rows, length + 1), generator=torch.Generator().manual_seed(1))


def gradients(model: GAM) -> dict[str, Tensor]:
    """The gradient of each parameter."""
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
