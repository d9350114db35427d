"""Counts what a run computes, the same on every machine. Runs in the guest."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

# Torch has formulas for attention on GPUs only; that on CPUs does the same.
_ALIASES = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: (
        torch.ops.aten._scaled_dot_product_flash_attention
    )
}


class Work(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts while it is on.

    Attributes:
        flops: Of matrix products, convolutions and attention by torch's formulas, and of linear
            algebra and distances by a coarse one.
        elements: Computed by all operations, whatever each takes.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = self.elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation and count it."""
        out = func(*args, **(kwargs or {}))
        packet = func.overloadpacket
        if formula := flop_registry.get(_ALIASES.get(packet, packet)):
            self.flops += formula(*args, **(kwargs or {}), out_val=out)
        elif any(word in func.name() for word in ("linalg", "dist")):
            self.flops += _largest(out) * args[0].shape[-1]
        if not func.is_view:
            # What writes into a tensor may write to a part of it: as much as it is given.
            writes = func._schema.is_mutable and len(args) > 1
            self.elements += _largest(args[1:] if writes else out)
        return out


def _largest(values: Any) -> int:
    """Elements of the largest tensor in there."""
    return max(
        (leaf.numel() for leaf in tree_leaves(values) if isinstance(leaf, Tensor)), default=1
    )
