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
