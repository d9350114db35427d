"""Convolutions of all lengths against their definitions, written position by position (float64)."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from genesys.gau.base import GAUBase

from .conftest import gap, make_unit

# Below, at and above powers of two, where Fourier transforms and pieces of kernels change size.
LENGTHS = (1, 2, 7, 15, 16, 17, 32, 33, 64, 65)
TOLERANCE = 1e-6

each_shape = pytest.mark.parametrize(("B", "D"), [(1, 16), (3, 48)])


def check(unit: GAUBase, by_definition: Callable[[GAUBase, Tensor], Tensor], B: int) -> None:
    for length in LENGTHS:
        X = torch.randn(B, length, unit.embed_dim, dtype=torch.float64)
        with torch.no_grad():
            assert gap(unit(X)[0], by_definition(unit, X)) < TOLERANCE, f"length {length}"


def gelu(x: Tensor) -> Tensor:
    return x / 2 * (1 + torch.erf(x / math.sqrt(2)))


def silu(x: Tensor) -> Tensor:
    return x * x.sigmoid()


def glu(x: Tensor) -> Tensor:
    value, gate = x.chunk(2, dim=-1)
    return value * gate.sigmoid()


def convolve(X: Tensor, tap: Callable[[int], Tensor | float]) -> Tensor:
    """``y_t = sum over s <= t of tap(t - s) x_s``."""
    taps = [torch.as_tensor(tap(j)).expand(X.shape[2]) for j in range(X.shape[1])]
    row = torch.stack(taps).flip(0)
    sums = [(row[-t:] * X[:, :t]).sum(1) for t in range(1, X.shape[1] + 1)]
    return torch.stack(sums, dim=1)


def short(unit: GAUBase, X: Tensor) -> Tensor:
    taps = len(unit.weight)
    return convolve(X, lambda j: unit.weight[taps - 1 - j] if j < taps else 0.0)


@each_shape
def test_long_convolution(B, D):
    unit = make_unit("LongConvolution", D)
    for length in LENGTHS:
        X = torch.randn(B, length, D, dtype=torch.float64)
        kernel = torch.randn(D, length + 3, dtype=torch.float64)
        slow = convolve(X, lambda j, kernel=kernel: kernel[:, j])
        assert gap(unit(X, kernel=kernel)[0], slow) < TOLERANCE
        few = convolve(X, lambda j, kernel=kernel: kernel[:, j] if j < 4 else 0.0)
        assert gap(unit(X, kernel=kernel[:, :4])[0], few) < TOLERANCE


@each_shape
def test_short_convolution(B, D):
    check(make_unit("ShortConvolution", D), short, B)


@each_shape
def test_gated_short_convolution(B, D):
    def layer(unit, X):
        before, after, value = (X @ unit.project.weight.T).chunk(3, dim=-1)
        return (after * short(unit.convolution, before * value)) @ unit.out.weight.T

    check(make_unit("GatedShortConvolution", D), layer, B)


@each_shape
def test_hyena(B, D):
    def filters(unit, t):
        feature = [t / 512]
        feature += [math.cos(2 * math.pi * k * t / 512) for k in (1, 2, 3, 4)]
        feature += [math.sin(2 * math.pi * k * t / 512) for k in (1, 2, 3, 4)]
        h = torch.tensor(feature, dtype=torch.float64)
        for layer in (unit.filter_in, unit.filter_mid):
            h = (unit.sharpness * (layer.weight @ h + layer.bias)).sin()
        decay = unit.log_decay.exp()
        return (unit.filter_out.weight @ h * decay.sqrt() * (-decay * t).exp()).view(2, D)

    def layer(unit, X):
        y, x1, x2 = short(unit.short, X @ unit.project.weight.T).chunk(3, dim=-1)
        for i, gate in enumerate((x1, x2)):
            y = gate * (convolve(y, lambda j, i=i: filters(unit, j)[i]) + unit.skip[i] * y)
        return y @ unit.out.weight.T

    check(make_unit("Hyena", D), layer, B)


@each_shape
def test_structured_global_convolution(B, D):
    def stretched(piece, length, t):
        """Linear interpolation between the middles of the parameters' stretches."""
        at = (t + 0.5) * piece.shape[-1] / length - 0.5
        low = max(0, math.floor(at))
        high = min(low + 1, piece.shape[-1] - 1)
        share = max(0.0, at - low)
        return (1 - share) * piece[:, low] + share * piece[:, high]

    def tap(unit, t):
        start = 0
        for scale, length in enumerate((8, 8, 16, 32)):
            if t < start + length:
                return stretched(unit.pieces[scale], length, t - start) / 2**scale
            start += length
        return torch.zeros(D, dtype=torch.float64)

    def layer(unit, X):
        y = convolve(X, lambda t: tap(unit, t)) + unit.skip * X
        return glu(gelu(y) @ unit.out.weight.T)

    check(make_unit("SGConv", D, piece_taps=8, pieces=4), layer, B)


@each_shape
def test_gated_toeplitz(B, D):
    def tap(unit, t):
        h = torch.tensor([t / 512], dtype=torch.float64)
        h = (unit.distance_in.weight @ h + unit.distance_in.bias).clamp(min=0)
        h = (unit.distance_mid.weight @ h + unit.distance_mid.bias).clamp(min=0)
        return 0.1 * 0.99**t * (unit.distance_out.weight @ h + unit.distance_out.bias)

    def layer(unit, X):
        gate, value = silu(X @ unit.project.weight.T).chunk(2, dim=-1)
        return (gate * convolve(value, lambda t: tap(unit, t))) @ unit.out.weight.T

    check(make_unit("GatedToeplitz", D), layer, B)


@each_shape
def test_spectral_filter(B, D):
    span, count = 40, 5
    hankel = torch.tensor(
        [[2 / ((i + j) ** 3 - (i + j)) for j in range(1, span + 1)] for i in range(1, span + 1)],
        dtype=torch.float64,
    )
    unit = make_unit("SpectralFilter", D, spectral_span=span, spectral_count=count)
    for same, turned in zip(unit.filters[:count], unit.filters[count:], strict=True):
        share = (same @ same) ** 2  # the eigenvalue: filters have the length of its fourth root
        assert gap(hankel @ same, share * same) < 1e-9
        assert torch.equal(turned[::2], same[::2])
        assert torch.equal(turned[1::2], -same[1::2])

    def layer(unit, X):
        def tap(j):
            return unit.mix @ unit.filters[:, j] if j < span else 0.0

        return convolve(X @ unit.value.weight.T, tap) @ unit.out.weight.T

    check(unit, layer, B)


def window(X: Tensor, weights: Callable[[int], Tensor], heads: int, taps: int) -> Tensor:
    """``weights(t)`` of shape (B, H, K), one after the other, the present first."""
    out = []
    for t in range(X.shape[1]):
        y = torch.zeros(len(X), heads, X.shape[-1] // heads, dtype=X.dtype)
        for j in range(min(taps, t + 1)):
            y = y + weights(t)[..., j, None] * X[:, t - j].unflatten(-1, (heads, -1))
        out.append(y.flatten(1))
    return torch.stack(out, dim=1)


@each_shape
def test_light_convolution(B, D):
    def layer(unit, X):
        share = unit.taps.exp() / unit.taps.exp().sum(-1, keepdim=True)
        u = glu(X @ unit.project.weight.T)
        return window(u, lambda t: share.expand(B, -1, -1), *share.shape) @ unit.out.weight.T

    check(make_unit("LightConvolution", D, head_dim=8), layer, B)


@each_shape
def test_dynamic_convolution(B, D):
    def layer(unit, X):
        u = glu(X @ unit.project.weight.T)
        raw = (u @ unit.taps.weight.T).unflatten(-1, (D // 8, 7)).exp()
        share = raw / raw.sum(-1, keepdim=True)
        return window(u, lambda t: share[:, t], D // 8, 7) @ unit.out.weight.T

    check(make_unit("DynamicConvolution", D, head_dim=8), layer, B)


@each_shape
def test_adaptive_window(B, D):
    def layer(unit, X):
        u = glu(X @ unit.project.weight.T)
        reach = 5 * (u @ unit.reach.weight.T + unit.reach.bias).sigmoid()
        counts = (reach[..., None] - torch.arange(-1, 6)).clamp(0, 1)
        return window(u, lambda t: counts[:, t], D // 8, 7) / 6 @ unit.out.weight.T

    check(make_unit("AdaptiveWindow", D, head_dim=8, longest_reach=5), layer, B)


@each_shape
def test_multires_convolution(B, D):
    def level(X, weight, apart):
        taps = {(2 - i) * apart: weight[i] for i in range(3)}
        return convolve(X, lambda j: taps.get(j, 0.0))

    def layer(unit, X):
        y, outline = unit.mix[0] * X, X
        for j in range(4):
            y = y + unit.mix[2 + j] * level(outline, unit.high, 2**j)
            outline = level(outline, unit.low, 2**j)
        return glu(gelu(y + unit.mix[1] * outline) @ unit.out.weight.T)

    check(make_unit("MultiresConvolution", D, levels=4, level_taps=3), layer, B)


@each_shape
def test_token_shift_mixer(B, D):
    def shift(unit, X):
        return convolve(X, lambda j: {0: unit.present, 1: 1 - unit.present}.get(j, 0.0))

    def layer(unit, X):
        gate = (shift(unit.shift_gate, X) @ unit.gate.weight.T).sigmoid()
        return (gate * (shift(unit.shift_value, X) @ unit.value.weight.T)) @ unit.out.weight.T

    check(make_unit("TokenShiftMixer", D), layer, B)
