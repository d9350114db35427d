"""The design under check, as a block that can be built. Loaded in workers only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from genesys.gau import GAM, GAUBase
from genesys.gau.load import load_block
from genesys_checkers.faults import Fault
from genesys_checkers.settings import Request, Settings

VOCABULARY = 256
SEED = 0


class Subject:
    """A composed block and what is needed to check it.

    Args:
        request: What the worker was given.
    """

    def __init__(self, request: Request) -> None:
        self.code, self.tests = request.code, request.tests
        self.settings: Settings = request.settings
        self._reference = request.reference

    @cached_property
    def module(self) -> ModuleType:
        """The design's code; runs it when first asked for."""
        return load_block(self.code)

    @property
    def width(self) -> int:
        """The width that most checks use."""
        return self.settings.widths[0]

    def model(self, width: int, dtype: torch.dtype = torch.float32) -> GAM:
        """The design's language model over bytes, always initialised alike."""
        return _build(self.module, width, self.settings.blocks, dtype)

    def reference(self) -> GAM:
        """The GPT seed's model of the same width and number of blocks."""
        module = load_block(self._reference, "reference")
        return _build(module, self.width, self.settings.blocks, torch.float32)


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Make ``dtype`` the one of tensors that name none."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def tokens(batch: int, length: int) -> Tensor:
    """Random token ids of shape (B, L), always the same."""
    generator = torch.Generator().manual_seed(SEED)
    return torch.randint(VOCABULARY, (batch, length), generator=generator)


def through_blocks(model: GAM, X: Tensor) -> Tensor:
    """What the blocks make of X of shape (B, L, D).

    Raises:
        Fault: It is no plain tensor.
    """
    Z: dict[str, Any] = {}
    for block in model.blocks:
        X, Z = block(X, **Z)
        _require_plain(X)
    return X


def loss_of(model: GAM, ids: Tensor) -> Tensor:
    """Cross-entropy in nats of the next byte, for ids of shape (B, L + 1).

    Raises:
        Fault: The blocks give no plain tensors.
    """
    logits = model(ids[:, :-1])
    _require_plain(logits)
    return nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())


def open_gates(model: nn.Module) -> None:
    """Replace zeros in parameters by noise: what hides behind a zero gate must show."""
    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.is_floating_point():
                noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float32)
                parameter.copy_(torch.where(parameter == 0, 0.3 * noise, parameter))


def unit_of(model: nn.Module, name: str) -> str:
    """Class name of the innermost unit that owns the parameter ``name``."""
    unit, module = "", model
    for part in name.split(".")[:-1]:
        module = module.get_submodule(part)
        unit = type(module).__name__ if isinstance(module, GAUBase) else unit
    return unit


def _require_plain(X: Tensor) -> None:
    # A subclass decides itself what comparisons and losses of it are.
    if type(X) is not Tensor:
        raise Fault(f"The block returns a {type(X).__name__}.", hint="Return a torch.Tensor.")


def _build(module: ModuleType, width: int, blocks: int, dtype: torch.dtype) -> GAM:
    torch.manual_seed(SEED)
    with default_dtype(dtype):
        return GAM(module.GAB, width, blocks, VOCABULARY, module.gab_config)
