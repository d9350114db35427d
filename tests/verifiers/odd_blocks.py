"""Blocks whose size or forward pass depends on more than their width, and others that are odd."""

from __future__ import annotations

BLOCK = """
import torch
from torch import nn
from genesys.gau import GABBase

KEPT = {{}}

class GAB(GABBase):
    def __init__(self, embed_dim, block_loc, device=None, dtype=None, **kwargs):
        super().__init__(embed_dim, block_loc)
        factory = {{"device": device, "dtype": dtype}}
        index, n_block = block_loc
        hidden = 2 * embed_dim
        {initial}
        self.up = nn.Linear(embed_dim, hidden, **factory)
        self.down = nn.Linear(hidden, embed_dim, **factory)

    def _forward(self, X, **Z):
        {forward}
        return X + self.down(torch.relu(self.up(X))), Z

gab_config = {{}}
"""


def block(initial: str = "pass", forward: str = "pass") -> str:
    """A ``gab.py`` with a statement in ``__init__`` or in the forward pass."""
    return BLOCK.format(initial=initial, forward=forward)


EMPTY = """
from genesys.gau import GABBase

class GAB(GABBase):
    def __init__(self, embed_dim, block_loc, device=None, dtype=None, **kwargs):
        super().__init__(embed_dim, block_loc)

    def _forward(self, X, **Z):
        return X, Z

gab_config = {}
"""

ODD = {
    "every third is large": block("hidden *= 5 if index % 3 == 2 else 1"),
    "the first of three is large": block("hidden *= 4 if index % 3 == 0 else 1"),
    "the last is large": block("hidden *= 7 if index == n_block - 1 else 1"),
    "none but the first is large": block("hidden *= 1 if index else 9"),
    "wider when deeper": block("hidden += 8 * n_block"),
    "narrower when deeper": block("hidden = max(1, hidden // n_block)"),
    "smaller in all when deeper": block("hidden = max(1, hidden // n_block**2)"),
    "tiny": block("hidden = 1"),
    "shared": block("self.shared = KEPT.setdefault('p', nn.Parameter(torch.ones(300, **factory)))"),
    "reads values at the start": block("hidden += int(torch.ones(3, **factory).sum())"),
    "reads values": block(forward="X = X * (2.0 if X.abs().max() > 1e3 else 1.0)"),
    "uses NumPy": block(forward="X.detach().numpy()"),
    "on another device": block(forward="X = X + torch.ones(X.shape[-1])"),
    "keeps a tensor": block(
        forward="X = X + KEPT.setdefault(X.shape[1:], torch.ones(X.shape[1:], device=X.device))"
    ),
    "widths by 32": block(forward="X.view(1, -1, X.shape[-1] // 32, 32)"),
    "a table that is too short": block(
        "self.table = nn.Parameter(torch.zeros(33, **factory))",
        "X = X + self.table[torch.arange(X.shape[-1], device=X.device)]",
    ),
    "fails when deep": block("assert n_block < 3, 'too deep'"),
    "fails from some width on": block("assert embed_dim < 48, 'too wide'"),
    "never runs": block(forward="raise RuntimeError('only even lengths')"),
}
