"""RWKV7's time mix and channel mix against recurrences written out position by position."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from genesys.gau.base import GAUBase

from .conftest import seed_module

LENGTHS = (1, 2, 7, 31, 32, 33, 64, 65, 70)


def make(name: str, dim: int, block: int, moved: float) -> GAUBase:
    """A unit in float64 whose parameters are all moved away from their start."""
    torch.manual_seed(3)
    args = {"block_loc": (block, 3), "kwarg_all": {}, "dtype": torch.float64, "head_dim": 16}
    unit = getattr(seed_module("rwkv7"), name)(embed_dim=dim, **args)
    with torch.no_grad():
        for parameter in unit.parameters():
            parameter.add_(moved * torch.randn_like(parameter))
    return unit


def low_rank(part: nn.Module, x: Tensor, squash=lambda x: x) -> Tensor:
    return squash(x @ part.down.weight.T) @ part.up.weight.T


def time_mix(unit: GAUBase, X: Tensor, first: Tensor | None) -> Iterator[Tensor]:
    H, D = unit.heads, unit.embed_dim
    before = torch.zeros_like(X[:, 0])
    S = torch.zeros(len(X), H, D // H, D // H, dtype=X.dtype)
    for t, x in enumerate(X.unbind(1)):
        xr, xk, xv, xd, xa, xg = (x + (before - x) * m for m in unit.mix.flatten(0, 1))
        r, k, v = xr @ unit.receptance.weight.T, xk @ unit.key.weight.T, xv @ unit.value.weight.T
        if first is not None:
            share = (low_rank(unit.share, xv) + unit.share_bias).sigmoid()
            v = (1 - share) * v + share * first[:, t]
        d = low_rank(unit.decay, xd, torch.tanh) + unit.decay_bias
        w = (-d.sigmoid() / math.sqrt(math.e)).exp()
        a = (low_rank(unit.rate, xa) + unit.rate_bias).sigmoid()
        c = k * unit.look_scale
        k = k * ((1 - unit.key_scale) + a * unit.key_scale)
        r, k, v, w, a, c, u = (
            y.unflatten(-1, (H, -1)) for y in (r, k, v, w, a, c, unit.bonus.expand_as(k))
        )
        c = c / c.square().sum(-1, keepdim=True).sqrt()
        held = torch.einsum("bhnp,bhn->bhp", S, c)
        S = w[..., None] * S - torch.einsum("bhn,bhp->bhnp", a * c, held)
        S = S + torch.einsum("bhn,bhp->bhnp", k, v)
        y = torch.einsum("bhnp,bhn->bhp", S, r)
        y = y - y.mean(-1, keepdim=True)
        y = y / (y.square().mean(-1, keepdim=True) + 1e-5).sqrt()
        y = y * unit.norm_scale.view(H, -1) + (r * u * k).sum(-1, keepdim=True) * v
        yield unit.out(y.flatten(1) * low_rank(unit.gate, xg, torch.sigmoid))
        before = x


@pytest.mark.parametrize("moved", [0.2, 1.5], ids=["gentle", "steep"])
@pytest.mark.parametrize("block", [0, 2], ids=["first_block", "later_block"])
@pytest.mark.parametrize(("B", "D"), [(1, 16), (2, 48)])
def test_time_mix(B, D, block, moved):
    unit = make("RWKV7TimeMix", D, block, moved)
    X, first = torch.randn(2, B, max(LENGTHS), D, dtype=torch.float64)
    first = first if block else None
    with torch.no_grad():
        slow = torch.stack(list(time_mix(unit, X, first)), dim=1)
        assert slow.abs().max() > 1e-2
        for length in LENGTHS:
            Z = {"rwkv7_value": first[:, :length]} if block else {}
            fast = unit(X[:, :length], **Z)[0]
            gap = (fast - slow[:, :length]).abs().max() / slow.abs().max()
            assert gap <= 1e-6, f"length {length}"


def test_later_blocks_read_the_values_of_the_first():
    X = torch.randn(1, 9, 16, dtype=torch.float64)
    first, later = (make("RWKV7TimeMix", 16, block, 0.2) for block in (0, 2))
    Y, Z = first(X)
    before = torch.nn.functional.pad(X, (0, 0, 1, -1))
    mixed = X + (before - X) * first.mix[2]
    assert torch.allclose(Z["rwkv7_value"], mixed @ first.value.weight.T)
    assert not torch.allclose(later(Y, **Z)[0], later(Y)[0])


def test_channel_mix():
    unit, before = make("RWKV7ChannelMix", 48, 1, 0.2), 0.0
    X = torch.randn(2, 9, 48, dtype=torch.float64)
    for x, y in zip(X.unbind(1), unit(X)[0].unbind(1), strict=True):
        hidden = (x + (before - x) * unit.mix) @ unit.up.weight.T
        expected = hidden.clamp(min=0) ** 2 @ unit.down.weight.T
        assert (y - expected).abs().max() < 1e-6
        before = x
