"""The reference units as modules, each built once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from genesys.gau.base import GAUBase
from genesys.gau.compose import compose
from genesys.gau.load import load_block
from genesys.gau.reference import hosted, reference_tree
from genesys.gau.tree import GAUTree


@cache
def unit_module(name: str) -> ModuleType:
    """A reference unit and all that it calls, with their helper functions, executed."""
    return load_block(compose(reference_tree(name)), name=f"unit_{name}")


@cache
def host_tree(name: str) -> GAUTree:
    """The whole block that a reference unit is tried in."""
    return hosted(name)


@cache
def hosted_module(name: str) -> ModuleType:
    """The whole block that a reference unit is tried in, executed."""
    return load_block(compose(host_tree(name)), name=f"hosted_{name}")


def seed(number: int) -> None:
    """Make what follows reproducible: ``torch.manual_seed``, which takes 5 ms, on the CPU only."""
    torch.default_generator.manual_seed(number)


def make_unit(name: str, dim: int, moved: float = 0.2, **args: Any) -> GAUBase:
    """A reference unit in float64 whose parameters are all moved away from their start."""
    seed(3)
    kind = getattr(unit_module(name), name)
    unit = kind(embed_dim=dim, block_loc=(1, 3), kwarg_all=args, dtype=torch.float64, **args)
    with torch.no_grad():
        for parameter in unit.parameters():
            parameter.add_(moved * torch.randn_like(parameter))
    return unit


def make_block(name: str, dim: int, dtype: torch.dtype | None = None, **args: Any) -> nn.Module:
    """The block that a reference unit is tried in, with reproducible weights."""
    seed(7)
    module = hosted_module(name)
    config = {**module.gab_config, **args}
    return module.GAB(embed_dim=dim, block_loc=(0, 2), dtype=dtype, **config)


def assert_causal(unit: nn.Module, dim: int, length: int, cuts: Sequence[int]) -> None:
    """Replacing what follows a cut moves all that follows and nothing before.

    Args:
        unit: A unit or block in float64.
        dim: D.
        length: L.
        cuts: Each in a row of the batch; a prefix of that length alone must give the same too.
    """
    X = torch.randn(1, length, dim, dtype=torch.float64).repeat(len(cuts) + 1, 1, 1)
    for row, cut in enumerate(cuts):
        X[row, cut:] = torch.randn(length - cut, dim, dtype=torch.float64)
    with torch.no_grad():
        Y, _ = unit(X)
        moved = (Y - Y[-1]).abs().amax(-1) / Y.abs().max()
        for row, cut in enumerate(cuts):
            assert moved[row, :cut].max() < 1e-10, f"position before {cut} moved"
            assert moved[row, cut] > 1e-9, f"position {cut} does not see itself"
            alone, _ = unit(X[-1:, :cut])
            assert (alone - Y[-1:, :cut]).abs().max() < 1e-10 * Y.abs().max()


def gap(found: Tensor, expected: Tensor) -> float:
    """Largest difference, in parts of the largest expected value."""
    assert found.shape == expected.shape
    return ((found - expected).abs().max() / expected.abs().max()).item()


@pytest.fixture(autouse=True)
def one_thread():
    """Small tensors: threads would only get in each other's way."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    seed(0)
    yield
    torch.set_num_threads(before)
