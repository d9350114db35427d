"""The baseline of `training_speed.py`: a plain GPT and a plain loop, in the manner of nanoGPT.

Learned positions, attention by torch's kernel, a tied head that gives all logits, PyTorch's AdamW
as it comes, batches stacked row by row, no Lightning and no sandbox.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional


class Block(nn.Module):
    """Attention and a feed-forward network, each behind a norm and around which X is added."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm, self.mlp_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)

    def forward(self, X: Tensor) -> Tensor:
        """Map X of shape (B, L, D) to the same shape."""
        B, L, D = X.shape
        qkv = self.qkv(self.attention_norm(X)).view(B, L, 3, self.heads, D // self.heads)
        q_BHLD, k_BHLD, v_BHLD = qkv.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q_BHLD, k_BHLD, v_BHLD, is_causal=True)
        X = X + self.out(mixed.transpose(1, 2).reshape(B, L, D))
        return X + self.down(functional.gelu(self.up(self.mlp_norm(X))))


class PlainGPT(nn.Module):
    """Embeddings, blocks, norm and tied head; gives its mean loss in nats."""

    def __init__(self, width: int, blocks: int, vocabulary: int, length: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(length, width)
        self.blocks = nn.ModuleList(Block(width, width // 32) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        for weight in (self.tokens.weight, self.positions.weight):
            nn.init.normal_(weight, std=0.02)

    def forward(self, ids: Tensor, targets: Tensor) -> Tensor:
        """The loss of predicting ``targets``, both of shape (B, L)."""
        X = self.tokens(ids) + self.positions(torch.arange(ids.shape[1]))
        for block in self.blocks:
            X = block(X)
        logits = functional.linear(self.norm(X), self.tokens.weight)
        return functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


def rate(step: int, steps: int) -> float:
    """Share of the peak learning rate."""
    warm = steps // 10
    if step < warm:
        return (step + 1) / warm
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm)))


def train(
    path: Path, model: PlainGPT, steps: int, batch: int, length: int, tick: Callable[[], None]
) -> None:
    """Train it on tokens in a file; ``tick`` is called after each step."""
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.95))
    for step in range(steps):
        tokens = np.memmap(path, dtype=np.uint16, mode="r")
        starts = torch.randint(len(tokens) - length, (batch,)).tolist()
        rows = [torch.from_numpy(tokens[s : s + length + 1].astype(np.int64)) for s in starts]
        ids = torch.stack([row[:-1] for row in rows])
        targets = torch.stack([row[1:] for row in rows])
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * rate(step, steps)
        loss = model(ids, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        tick()
