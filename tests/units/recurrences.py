"""What recurrences of units are made of, and their comparison with the units.

A recurrence gives a unit's output position by position. It uses the unit's parameters and nothing
of its code, and keeps a state and what a short convolution still sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from genesys.gau.base import GAUBase

from .conftest import gap

TOLERANCE = 1e-6
LENGTHS = (1, 2, 7, 15, 16, 17, 31, 32, 33, 65, 70)

Recurrence = Callable[[GAUBase, Tensor], Iterator[Tensor]]


def check(unit: GAUBase, recurrence: Recurrence) -> None:
    """Compare a unit with its recurrence at lengths below, at and above multiples of a chunk."""
    X = torch.randn(2, max(LENGTHS), unit.embed_dim, dtype=torch.float64)
    with torch.no_grad():
        # A recurrence gives for a prefix what it gives for that part of the whole.
        slow = torch.stack(list(recurrence(unit, X)), dim=1)
        assert slow.abs().max() > 1e-2
        for length in LENGTHS:
            fast, _ = unit(X[:, :length])
            assert gap(fast, slow[:, :length]) <= TOLERANCE, f"length {length}"


def outer(a: Tensor, b: Tensor) -> Tensor:
    return a[..., :, None] * b[..., None, :]


def read(S: Tensor, q: Tensor) -> Tensor:
    return (S * q[..., None]).sum(-2)


def silu(x: Tensor) -> Tensor:
    return x / (1 + (-x).exp())


def rms(x: Tensor) -> Tensor:
    return x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt()


def standardise(x: Tensor) -> Tensor:
    x = x - x.mean(-1, keepdim=True)
    return x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt()


def unit_length(x: Tensor) -> Tensor:
    return x / x.square().sum(-1, keepdim=True).sqrt()


def split(x: Tensor, heads: int, parts: int) -> list[Tensor]:
    """Heads of each of several equal parts of x (B, parts * D)."""
    return [part.unflatten(-1, (heads, -1)) for part in x.chunk(parts, dim=-1)]


def recent(x: Tensor, weight: Tensor) -> Iterator[Tensor]:
    """Short convolution of x (B, L, E) with weight (K, E), position by position."""
    taps = [torch.zeros_like(x[:, 0])] * len(weight)
    for now in x.unbind(1):
        taps = [*taps[1:], now]
        yield sum(w * y for w, y in zip(weight, taps, strict=True))


def turn(x: Tensor, t: int) -> Tensor:
    """Rotary positions as complex numbers: pair (i, i + d/2) of x (..., d) turned to t."""
    half = x.shape[-1] // 2
    angle = t * 10000.0 ** (-torch.arange(half).double() / half)
    z = torch.complex(x[..., :half], x[..., half:]) * torch.polar(torch.ones(half).double(), angle)
    return torch.cat((z.real, z.imag), dim=-1)
