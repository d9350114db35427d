"""Fast forms beside recurrences: the comparison, and formulas that several of them share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from genesys.gau.base import GAUBase

TOLERANCE = 1e-6


def lengths(chunk: int) -> list[int]:
    """Below, at and above one and more chunks of positions."""
    return [1, 2, 7, chunk - 1, chunk, chunk + 1, 2 * chunk, 2 * chunk + 1, 3 * chunk + 5]


def check(unit: GAUBase, step_by_step: Callable[[GAUBase, Tensor], Tensor], chunk: int, B: int):
    """Compare a unit with its recurrence at all lengths."""
    for length in lengths(chunk):
        X = torch.randn(B, length, unit.embed_dim, dtype=torch.float64)
        with torch.no_grad():
            fast = unit(X)[0]
            slow = step_by_step(unit, X)
        assert slow.abs().max() > 1e-2
        assert (fast - slow).abs().max() <= TOLERANCE, f"length {length}"


def turn(x: Tensor, t: int) -> Tensor:
    """Rotary positions as complex numbers: pair (i, i + d/2) of x (..., d) turned to position t."""
    half = x.shape[-1] // 2
    angle = t * 10000.0 ** (-torch.arange(half, dtype=torch.float64) / half)
    z = torch.complex(x[..., :half], x[..., half:]) * torch.polar(torch.ones(half).double(), angle)
    return torch.cat((z.real, z.imag), dim=-1)


def rms(x: Tensor, weight: Tensor) -> Tensor:
    return x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt() * weight


each_shape = pytest.mark.parametrize(("B", "D"), [(1, 16), (3, 48), (2, 64)])
