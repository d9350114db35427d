"""How many sequences of a batch fit into a guest's memory at a time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd.graph import saved_tensors_hooks

from genesys.gau.load import load_block
from genesys.gau.model import GAM
from genesys_verifiers.training.loss import ROWS
from genesys_verifiers.tuning.sizing import kinds

MIB = 2**20
# A value of a weight is held with its gradient and AdamW's two moments, each in float32.
BYTES_PER_PARAMETER = 16
# Of the memory that training may take; the rest is for what an operation needs while it runs, and
# for what the allocator holds without use.
SHARE = 0.5


def fitting(
    code: str, size: tuple[int, int], vocabulary: int, shape: tuple[int, int], memory_mb: int
) -> int:
    """The most sequences, of a batch's size and its halves, that fit; one if even that does not.

    The same for equal arguments on any machine: nothing is allocated, and no time or memory is
    measured. A design whose forward pass reads values, which fake tensors do not have, gets one.

    Args:
        code: The design's ``gab.py``.
        size: Number of blocks, and width.
        vocabulary: V, the number of tokens.
        shape: Sequences of the whole batch, and tokens of each.
        memory_mb: That the guest may take, in MiB.
    """
    rows, length = shape
    try:
        fixed, each = needed(code, size, vocabulary, length)
    except Exception:  # it reads values, or makes tensors that are not fake: no fault
        return 1
    while rows > 1 and fixed + rows * each > SHARE * memory_mb * MIB:
        rows //= 2
    return rows


def needed(code: str, size: tuple[int, int], vocabulary: int, length: int) -> tuple[int, int]:
    """Bytes that training needs: once, and for each sequence that is in memory.

    Args:
        code: The design's ``gab.py``.
        size: Number of blocks, and width.
        vocabulary: V, the number of tokens.
        length: Of the sequences, in tokens.
    """
    parameters, saved = held(code, size, length)
    head = vocabulary * size[1]
    fixed = BYTES_PER_PARAMETER * (parameters + head) + 4 * (head + 3 * ROWS * vocabulary)
    return fixed, saved + 4 * 3 * length * size[1]


def held(code: str, size: tuple[int, int], length: int) -> tuple[int, int]:
    """Parameters of a model's blocks, and bytes that autograd keeps of a sequence for them.

    One block of each kind takes a sequence of tensors without values; see
    :func:`genesys_verifiers.tuning.sizing.kinds`.

    Args:
        code: The design's ``gab.py``.
        size: Number of blocks, and width.
        length: Of the sequence, in tokens.
    """
    n_block, width = size
    with FakeTensorMode():
        block = load_block(code, "gab_fake")  # a copy that is used for nothing else
        model = GAM(block.GAB, width, n_block, 1, block.gab_config)
        X, Z = torch.randn(1, length, width, requires_grad=True), dict[str, Any]()
        kept, total = _Kept(model), 0
        for index, times in kinds(model.blocks).items():
            kept.bytes = 0
            with kept:
                X, Z = model.blocks[index](X, **Z)
            total += times * kept.bytes
    return model.non_embedding_parameters(), total


class _Kept(saved_tensors_hooks):
    """Counts the bytes that autograd keeps, each storage once and a model's own not at all."""

    def __init__(self, model: GAM) -> None:
        super().__init__(self._keep, lambda tensor: tensor)
        own = [*model.parameters(), *model.buffers()]
        self._storages = {value.untyped_storage()._cdata: value for value in own}
        self.bytes = 0

    def _keep(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in self._storages:
            self._storages[storage._cdata] = tensor  # alive, so that no other gets its address
            self.bytes += storage.nbytes()
        return tensor
