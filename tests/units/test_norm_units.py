"""Norms against their definitions, position by position (float64)."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from genesys.gau.base import GAUBase

from .conftest import gap, make_unit


def rms_norm(unit: GAUBase, x: Tensor) -> Tensor:
    return unit.weight * x / ((x @ x) / len(x) + 1e-5).sqrt()


def layer_norm(unit: GAUBase, x: Tensor) -> Tensor:
    centred = x - x.sum() / len(x)
    return unit.weight * centred / ((centred @ centred) / len(x) + 1e-5).sqrt() + unit.bias


def scale_norm(unit: GAUBase, x: Tensor) -> Tensor:
    return unit.length * x / (x @ x + 1e-5 * len(x)).sqrt()


def simple_norm(unit: GAUBase, x: Tensor) -> Tensor:
    return x / ((x @ x) / len(x) + 1e-5).sqrt()


def dynamic_tanh(unit: GAUBase, x: Tensor) -> Tensor:
    grown = (2 * unit.scale * x).exp()
    return unit.weight * (grown - 1) / (grown + 1) + unit.bias


@pytest.mark.parametrize(
    ("name", "of_position"),
    [
        ("RMSNorm", rms_norm),
        ("LayerNorm", layer_norm),
        ("ScaleNorm", scale_norm),
        ("SimpleRMSNorm", simple_norm),
        ("DynamicTanh", dynamic_tanh),
    ],
)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
def test_norm(name, of_position, scale):
    unit = make_unit(name, 48)
    X = scale * torch.randn(2, 5, 48, dtype=torch.float64)
    with torch.no_grad():
        slow = torch.stack([torch.stack([of_position(unit, x) for x in row]) for row in X])
        assert gap(unit(X)[0], slow) < 1e-6


def test_timestep_norm():
    unit = make_unit("TimestepNorm", 48, norm_groups=3)
    for length in (1, 2, 17, 64):
        X = 4 * torch.randn(2, length, 48, dtype=torch.float64) + 2
        slow = torch.empty_like(X)
        for t in range(length):
            for group in range(3):
                own = slice(16 * group, 16 * group + 16)
                past = X[:, : t + 1, own].flatten(1)
                mean, variance = past.mean(1), past.var(1, unbiased=False)
                normed = (X[:, t, own] - mean[:, None]) / (variance + 1e-5).sqrt()[:, None]
                slow[:, t, own] = unit.weight[own] * normed + unit.bias[own]
        assert gap(unit(X)[0], slow.detach()) < 1e-6


def test_timestep_norm_of_large_means():
    """Where the difference of two large squares would be all rounding."""
    X = torch.randn(1, 200, 16) + 1e4
    norm = make_unit("TimestepNorm", 16, moved=0, norm_groups=1)
    exact, _ = norm(X.double())
    norm.factory_kwargs = {}
    assert gap(norm.float()(X)[0].double(), exact) < 1e-2
