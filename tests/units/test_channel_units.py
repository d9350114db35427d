"""Channel mixers against their definitions, position by position (float64)."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import pytest
import torch
from torch import Tensor

from genesys.gau.base import GAUBase

from .conftest import gap, make_unit

TOLERANCE = 1e-6


def check(unit: GAUBase, of_position: Callable[[GAUBase, Tensor, Tensor], Tensor]) -> None:
    """``of_position(unit, x, before)`` gives y (D,) from x and the position before it."""
    X = 2 * torch.randn(2, 9, unit.embed_dim, dtype=torch.float64)
    with torch.no_grad():
        rows = []
        for row in X:
            shifted = torch.cat((torch.zeros_like(row[:1]), row[:-1]))
            rows.append(
                torch.stack([of_position(unit, *pair) for pair in zip(row, shifted, strict=True)])
            )
        assert gap(unit(X)[0], torch.stack(rows)) < TOLERANCE


def gelu(x: Tensor) -> Tensor:
    return x / 2 * (1 + torch.erf(x / math.sqrt(2)))


def silu(x: Tensor) -> Tensor:
    return x * x.sigmoid()


def relu(x: Tensor) -> Tensor:
    return x.clamp(min=0)


@pytest.mark.parametrize(
    ("name", "activation"), [("SwiGluMLP", silu), ("GeGluMLP", gelu), ("ReGluMLP", relu)]
)
def test_gated_layers(name, activation):
    def layer(unit, x, _):
        hidden = activation(unit.gate.weight @ x) * (unit.up.weight @ x)
        return unit.down.weight @ hidden

    check(make_unit(name, 48), layer)


def test_ternary_weights():
    def linear(weight, x):
        x = x / ((x @ x) / len(x) + 1e-5).sqrt()
        step, scale = x.abs().max() / 127, weight.abs().mean()
        return scale * step * (weight / scale).round().clamp(-1, 1) @ (x / step).round()

    def layer(unit, x, _):
        return linear(unit.down, silu(linear(unit.gate, x)) * linear(unit.up, x))

    check(make_unit("TernaryGluMLP", 48), layer)


@pytest.mark.parametrize("expand", [2, 4])
def test_squared_relu(expand):
    unit = make_unit("SquaredReluMLP", 48, mlp_expand=expand)
    assert unit.up.weight.shape == (expand * 48, 48)
    check(unit, lambda unit, x, _: unit.down.weight @ relu(unit.up.weight @ x) ** 2)


def test_series_of_activations():
    def layer(unit, x, _):
        h = unit.up.weight @ x
        terms = [a * gelu(h + b) for a, b in zip(unit.scales, unit.shifts, strict=True)]
        return unit.down.weight @ torch.stack(terms).sum(0)

    check(make_unit("SeriesActivationMLP", 48, activations=4), layer)


@pytest.mark.parametrize(("experts", "chosen"), [(4, 2), (3, 1), (5, 5)])
def test_mixture_of_experts(experts, chosen):
    D = 32

    def layer(unit, x, _):
        scores = unit.router.weight @ x
        best = sorted(range(experts), key=lambda e: -scores[e])[:chosen]
        total, y = sum(scores[e].exp() for e in best), torch.zeros_like(x)
        for e in best:
            own = slice(e * D, (e + 1) * D)
            y += scores[e].exp() / total * unit.down.weight[:, own] @ gelu(unit.up.weight[own] @ x)
        return y

    check(make_unit("MixtureOfExperts", D, experts=experts, chosen_experts=chosen), layer)


def test_experts_of_a_position_do_not_depend_on_others():
    """What a capacity shared by the batch would break."""
    unit = make_unit("MixtureOfExperts", 32)
    X = torch.randn(2, 9, 32, dtype=torch.float64)
    crowd = torch.cat((X, X[:, :1].expand(-1, 50, -1)), dim=1)
    assert torch.allclose(unit.shares(crowd)[:, :9], unit.shares(X))


def test_rwkv4_channel_mix():
    def layer(unit, x, before):
        def shifted(shift):
            return shift.present * x + (1 - shift.present) * before

        receptance = (unit.receptance.weight @ shifted(unit.shift_receptance)).sigmoid()
        key = relu(unit.key.weight @ shifted(unit.shift_key)) ** 2
        return receptance * (unit.value.weight @ key)

    check(make_unit("RWKV4ChannelMix", 48), layer)


def spline(u: Tensor) -> Tensor:
    """The cubic B-spline with knots -2, -1, 0, 1, 2, piece by piece."""
    u = u.abs()
    inner, outer = 2 / 3 - u**2 + u**3 / 2, (2 - u) ** 3 / 6
    return torch.where(u < 1, inner, torch.where(u < 2, outer, torch.zeros_like(u)))


@pytest.mark.parametrize("bumps", [4, 7])
def test_kolmogorov_arnold_network(bumps):
    def learned(weight, x):
        n = len(x)
        edges = weight[:, n:].unflatten(1, (n, bumps))
        centres = [g - (bumps - 1) / 2 for g in range(bumps)]
        bent = sum(edges[..., g] @ spline(x - centre) for g, centre in enumerate(centres))
        return weight[:, :n] @ silu(x) + bent

    def layer(unit, x, _):
        return learned(unit.second.weight, learned(unit.first.weight, x))

    check(make_unit("KAN", 32, moved=0.02, spline_bumps=bumps), layer)


def retrieved(keys: GAUBase, x: Tensor) -> list[tuple[int, Tensor]]:
    """Slots and shares, with the scores of all pairs of sub-keys written out."""
    found = []
    n, queries = keys.keys.shape[2], (keys.query.weight @ x).view(keys.heads, -1)
    for (first, second), query in zip(keys.keys, queries, strict=True):
        normed = (query - query.mean()) / (query.var(unbiased=False) + 1e-5).sqrt()
        left, right = normed.chunk(2)
        scores = {
            (i, j): first[i] @ left + second[j] @ right for i, j in product(range(n), repeat=2)
        }
        best = sorted(scores, key=lambda slot: -scores[slot])[: keys.count]
        total = sum(scores[slot].exp() for slot in best)
        found += [(i * n + j, scores[i, j].exp() / total) for i, j in best]
    return found


@pytest.mark.parametrize("count", [1, 3])
def test_product_key_memory(count):
    def layer(unit, x, _):
        return sum(share * unit.values[slot] for slot, share in retrieved(unit.keys, x))

    check(make_unit("ProductKeyMemory", 16, retrieved=count, retrieval_heads=2), layer)


@pytest.mark.parametrize("count", [1, 3])
def test_peer(count):
    def layer(unit, x, _):
        return sum(
            share * gelu(unit.down[slot] @ x) * unit.up[slot]
            for slot, share in retrieved(unit.keys, x)
        )

    check(make_unit("PEER", 16, retrieved=count, retrieval_heads=2), layer)
