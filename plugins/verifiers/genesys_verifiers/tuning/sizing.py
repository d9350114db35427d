"""Counts a design's parameters and operations at a size, without the memory of its model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

# Counting and the device meta load it at first use: here that happens once, in the host.
import torch._dynamo
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from genesys.gau.base import GABBase
from genesys.gau.load import load_block
from genesys.gau.model import GAM

META, CPU = "meta", "cpu"
# The vocabulary does not count, so models to be counted get a small one.
VOCABULARY = 16
# Blocks of more parameters are not tried with values: it would take longer than all the rest.
MOST_WITH_VALUES = 2**22
TOKENS_WITH_VALUES = 64


class Sizing:
    """Builds a design's models without values, on the device meta.

    A design that reads values while it starts is built with them, and one that reads them in its
    forward pass is tried with them. Each device has a copy of the design's module of its own, so
    that tensors which are kept there do not meet.

    Args:
        code: The design's ``gab.py``.
        length: Of the training sequences, in tokens.

    Attributes:
        counts: Parameters by number of blocks and width, as far as they were counted.
    """

    def __init__(self, code: str, length: int) -> None:
        self._code, self._length = code, length
        self._copies: dict[str, Copy] = {}
        self._device = META
        self._kinds: dict[tuple[int, int], dict[int, int]] = {}
        self.counts: dict[tuple[int, int], int] = {}

    def parameters(self, n_block: int, width: int) -> int:
        """Non-embedding parameters of a size."""
        size = n_block, width
        if size not in self.counts:
            model = self._model(*size)
            self.counts[size] = model.non_embedding_parameters()
            self._kinds[size] = kinds(model.blocks)
        return self.counts[size]

    @torch.no_grad()
    def flops(self, n_block: int, width: int) -> int:
        """Try a size that was counted, and count its operations in a forward pass, per token.

        One block of each kind, see :func:`kinds`, takes a sequence of the training length on the
        device meta, where that is possible. A small block also takes a short one with values: only
        these show a table that is too short.
        """
        if self._device == META:
            try:
                flops = self._run(META, n_block, width, self._length)
            except Exception:  # it reads values, or makes a tensor elsewhere: no fault
                pass
            else:
                if self.counts[n_block, width] <= n_block * MOST_WITH_VALUES:
                    self._run(CPU, n_block, width, min(self._length, TOKENS_WITH_VALUES))
                return flops
        return self._run(CPU, n_block, width, self._length)

    def _run(self, device: str, n_block: int, width: int, length: int) -> int:
        copy, shares = self._copy(device), self._kinds[n_block, width]
        blocks = ((copy.block(index, n_block, width), times) for index, times in shares.items())
        return operations(blocks, torch.randn(1, length, width, device=device)) // length

    def _model(self, n_block: int, width: int) -> GAM:
        try:
            return self._copy(self._device).model(n_block, width)
        except Exception:
            if self._device == CPU:
                raise
        model = self._copy(CPU).model(n_block, width)
        self._device = CPU
        return model

    def _copy(self, device: str) -> Copy:
        if device not in self._copies:
            self._copies[device] = Copy(self._code, device)
        return self._copies[device]


class Copy:
    """A design, loaded once more for one device."""

    def __init__(self, code: str, device: str) -> None:
        self._module, self._device = load_block(code, f"gab_{device}"), device

    def model(self, n_block: int, width: int) -> GAM:
        """The whole model, with a small vocabulary."""
        config = self._module.gab_config
        return GAM(self._module.GAB, width, n_block, VOCABULARY, config, device=self._device)

    def block(self, index: int, n_block: int, width: int) -> GABBase:
        """One block of a model."""
        block: GABBase = self._module.GAB(
            embed_dim=width,
            block_loc=(index, n_block),
            device=self._device,
            dtype=None,
            **self._module.gab_config,
        )
        return block


def kinds(blocks: Iterable[torch.nn.Module]) -> dict[int, int]:
    """Index of the first block of each kind, and how many are of that kind.

    The first block, which no other comes before, is of its own kind; others are of one kind if
    they have equally many parameters.
    """
    found: dict[tuple[bool, int], list[int]] = {}
    for index, block in enumerate(blocks):
        size = sum(parameter.numel() for parameter in block.parameters())
        found.setdefault((index == 0, size), []).append(index)
    return {indices[0]: len(indices) for indices in found.values()}


def operations(blocks: Iterable[tuple[GABBase, int]], X: Tensor) -> int:
    """Floating-point operations of a forward pass: those of matrix products and convolutions.

    Args:
        blocks: Blocks to go through, each with how many times it counts.
        X: Of shape (B, L, D).
    """
    Z: dict[str, Any] = {}
    total = 0
    for block, times in blocks:
        # Only the plain form of attention is counted on all devices.
        with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
            X, Z = block(X, **Z)
        total += times * counter.get_total_flops()
    return total
