"""The language model around a block (app. B.3, fig. 18)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from genesys.gau.base import GABBase

EMBEDDING_STD = 0.02


class GAM(nn.Module):
    """Generalized autoregressive model: embedding, N blocks, final norm, tied head.

    Args:
        block: The design's ``GAB`` class.
        d_model: D, the width.
        n_block: Number of blocks.
        vocab_size: V, number of tokens.
        block_config: The design's arguments, handed to each block.
        norm_epsilon: Of the final LayerNorm.
        device: Of all parameters.
        dtype: Of all parameters.
    """

    def __init__(
        self,
        block: type[GABBase],
        d_model: int,
        n_block: int,
        vocab_size: int,
        block_config: Mapping[str, Any] | None = None,
        norm_epsilon: float = 1e-5,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        factory: dict[str, Any] = {"device": device, "dtype": dtype}
        self.embedding = nn.Embedding(vocab_size, d_model, **factory)
        nn.init.normal_(self.embedding.weight, std=EMBEDDING_STD)
        # Each block gets a copy of its own: a unit may write into kwarg_all.
        self.blocks = nn.ModuleList(
            block(embed_dim=d_model, block_loc=(index, n_block), **factory, **(block_config or {}))
            for index in range(n_block)
        )
        self.norm_out = nn.LayerNorm(d_model, eps=norm_epsilon, **factory)

    @property
    def head(self) -> Tensor:
        """The head's weight of shape (V, D), tied to the embedding."""
        return self.embedding.weight

    def hidden(self, input_ids: Tensor) -> Tensor:
        """Map token ids of shape (B, L) to normed hidden states of shape (B, L, D)."""
        X: Tensor = self.embedding(input_ids)
        Z: dict[str, Any] = {}
        for block in self.blocks:
            X, Z = block(X, **Z)
        out: Tensor = self.norm_out(X)
        return out

    def forward(self, input_ids: Tensor) -> Tensor:
        """Map token ids of shape (B, L) to logits of shape (B, L, V)."""
        return functional.linear(self.hidden(input_ids), self.head)

    def non_embedding_parameters(self) -> int:
        """Number of parameters without the (tied) embedding."""
        return sum(p.numel() for p in self.parameters()) - self.embedding.weight.numel()
