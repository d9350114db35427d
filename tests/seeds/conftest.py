"""The shipped seeds as modules, built once."""

from __future__ import annotations

from functools import cache
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from genesys.gau.base import GAUBase
from genesys.gau.compose import compose
from genesys.gau.folder import load_tree
from genesys.gau.load import load_block
from genesys.resources import resource

DESIGNS = (
    "geogate",
    "gpt2",
    "hippovq",
    "hmamba",
    "mamba2",
    "retnet",
    "rwkv6",
    "rwkv7",
    "srn",
    "ttt",
    "vqh",
)


@cache
def seed_module(seed: str) -> ModuleType:
    """The composed block of a seed, executed."""
    return load_block(compose(load_tree(resource("seeds") / seed)), name=seed)


def make_blocks(seed: str, dim: int, dtype: torch.dtype | None = None, n: int = 2) -> nn.ModuleList:
    """A stack of ``n`` blocks with reproducible weights."""
    torch.manual_seed(7)
    module = seed_module(seed)
    return nn.ModuleList(
        module.GAB(embed_dim=dim, block_loc=(i, n), dtype=dtype, **module.gab_config)
        for i in range(n)
    )


def run_blocks(blocks: nn.ModuleList, X: Tensor) -> Tensor:
    """X of shape (B, L, D) through the stack, with Z handed on as in GAM."""
    Z: dict[str, Tensor] = {}
    for block in blocks:
        X, Z = block(X, **Z)
    return X


def make_unit(seed: str, name: str, dim: int, **args: object) -> GAUBase:
    """A unit of a seed in float64 whose parameters are all moved away from their start."""
    torch.manual_seed(3)
    kind = getattr(seed_module(seed), name)
    unit = kind(embed_dim=dim, block_loc=(1, 3), kwarg_all=args, dtype=torch.float64, **args)
    with torch.no_grad():
        for parameter in unit.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return unit


@pytest.fixture(autouse=True)
def one_thread():
    """Small tensors: threads would only get in each other's way."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)
