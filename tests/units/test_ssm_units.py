"""State spaces and moving averages against recurrences written position by position (float64).

The recurrences use a unit's parameters and none of its code, and keep only a state.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from genesys.gau.base import GAUBase

from .conftest import gap, make_unit

# Below, at and above powers of two, which are also multiples of a scan's chunk.
LENGTHS = (1, 2, 7, 15, 16, 17, 31, 32, 33, 64, 65, 101)
TOLERANCE = 1e-6

each_shape = pytest.mark.parametrize(("B", "D"), [(1, 16), (3, 48)])


def check(unit: GAUBase, step_by_step: Callable[[GAUBase, Tensor], Tensor], B: int) -> None:
    for length in LENGTHS:
        X = torch.randn(B, length, unit.embed_dim, dtype=torch.float64)
        with torch.no_grad():
            assert gap(unit(X)[0], step_by_step(unit, X)) < TOLERANCE, f"length {length}"


def gelu(x: Tensor) -> Tensor:
    return x / 2 * (1 + torch.erf(x / math.sqrt(2)))


def silu(x: Tensor) -> Tensor:
    return x * x.sigmoid()


def taps(convolution: GAUBase, X: Tensor) -> Tensor:
    """A short convolution that keeps the last few positions."""
    recent, out = [torch.zeros_like(X[:, 0])] * len(convolution.weight), []
    for x in X.unbind(1):
        recent = [*recent[1:], x]
        out.append(sum(w * y for w, y in zip(convolution.weight, recent, strict=True)))
    return torch.stack(out, dim=1)


def state_space(unit: GAUBase, X: Tensor) -> Tensor:
    """Zero-order hold: exp(d a) h + (exp(d a) - 1) / a x, for each channel."""
    rate = -unit.log_rate.exp() + 1j * unit.frequency
    keep = (unit.log_step.exp()[:, None] * rate).exp()
    read = unit.read[..., 0] + 1j * unit.read[..., 1]
    h, out = torch.zeros(len(X), *rate.shape, dtype=torch.complex128), []
    for x in X.unbind(1):
        h = keep * h + (keep - 1) / rate * x[..., None]
        out.append(2 * (read * h).sum(-1).real + unit.skip * x)
    return torch.stack(out, dim=1)


@each_shape
def test_diagonal_state_space(B, D):
    check(make_unit("DiagonalStateSpace", D), state_space, B)


@each_shape
def test_s4d(B, D):
    def layer(unit, X):
        value, gate = (gelu(state_space(unit.memory, X)) @ unit.out.weight.T).chunk(2, dim=-1)
        return value * gate.sigmoid()

    check(make_unit("S4D", D), layer, B)


@each_shape
def test_h3(B, D):
    def layer(unit, X):
        q, k, v = (X @ unit.qkv.weight.T).chunk(3, dim=-1)
        return (q * state_space(unit.memory, taps(unit.shift, k) * v)) @ unit.out.weight.T

    check(make_unit("H3", D), layer, B)


@each_shape
def test_gated_state_space(B, D):
    def layer(unit, X):
        memory = state_space(unit.memory, gelu(X @ unit.narrow.weight.T))
        gated = gelu(X @ unit.gate.weight.T) * (memory @ unit.widen.weight.T)
        return gated @ unit.out.weight.T

    check(make_unit("GatedStateSpace", D), layer, B)


def one_state(unit: GAUBase, X: Tensor, keep: Tensor, feed: Tensor, double: int) -> Tensor:
    """``h = keep h + feed (B x)`` with a state shared by all channels, read by C."""
    N, h, out = len(keep), torch.zeros(len(X), len(keep), dtype=torch.complex128), []
    B = unit.feed.weight[:N] + 1j * unit.feed.weight[N:]
    C = unit.read.weight[:, :N] - 1j * unit.read.weight[:, N:]
    for x in X.unbind(1):
        h = keep * h + feed * (x.to(h.dtype) @ B.T)
        out.append(double * (h @ C.T).real + unit.skip * x)
    return torch.stack(out, dim=1)


@each_shape
@pytest.mark.parametrize("chunk", [5, 16])
def test_lru(B, D, chunk):
    def layer(unit, X):
        keep = (-unit.log_rate.exp() + 1j * unit.log_phase.exp()).exp()
        return one_state(unit, X, keep, unit.log_gain.exp(), 1)

    check(make_unit("LRU", D, scan_chunk=chunk), layer, B)


def test_lru_starts_with_states_of_unit_variance():
    unit = make_unit("LRU", 64, moved=0)
    radius = unit.eigenvalues(torch.float64).abs()
    assert gap(unit.log_gain.exp() ** 2, 1 - radius**2) < 1e-6


@each_shape
def test_s5(B, D):
    def layer(unit, X):
        rate = -unit.log_rate.exp() + 1j * unit.frequency
        keep = (unit.log_step.exp() * rate).exp()
        u = gelu(one_state(unit, X, keep, (keep - 1) / rate, 2))
        return u * (u @ unit.gate.weight.T).sigmoid()

    check(make_unit("S5", D), layer, B)


def selective_state_space(unit: GAUBase, X: Tensor) -> Tensor:
    rank, N, _ = unit.sizes
    x, gate = (X @ unit.in_proj.weight.T).chunk(2, dim=-1)
    x = silu(taps(unit.convolution, x))
    h, out = torch.zeros(len(X), x.shape[-1], N, dtype=X.dtype), []
    for x_t in x.unbind(1):
        d, b, c = (x_t @ unit.select.weight.T).split([rank, N, N], dim=-1)
        d = (1 + (d @ unit.step.weight.T + unit.step.bias).exp()).log()[..., None]
        h = (-d * unit.log_rate.exp()).exp() * h + d * b[:, None] * x_t[..., None]
        out.append((h * c[:, None]).sum(-1) + unit.skip * x_t)
    return (torch.stack(out, dim=1) * silu(gate)) @ unit.out_proj.weight.T


@each_shape
@pytest.mark.parametrize("chunk", [5, 16])
def test_mamba(B, D, chunk):
    check(make_unit("Mamba", D, scan_chunk=chunk), selective_state_space, B)


def moving_averages(unit: GAUBase, X: Tensor) -> Tensor:
    share, damping = unit.share.sigmoid(), unit.damping.sigmoid()
    h, out = torch.zeros(len(X), *share.shape, dtype=X.dtype), []
    for x in X.unbind(1):
        h = share * unit.expansion * x[..., None] + (1 - share * damping) * h
        out.append((unit.read * h).sum(-1))
    return torch.stack(out, dim=1)


@each_shape
def test_damped_averages(B, D):
    check(make_unit("DampedEMA", D), moving_averages, B)


@each_shape
def test_mega_gates(B, D):
    def layer(unit, X):
        gates = moving_averages(unit.average, X) @ unit.gates.weight.T + unit.gates.bias
        reset, update, candidate = gates.chunk(3, dim=-1)
        value = silu(X @ unit.value.weight.T + unit.value.bias)
        candidate = silu(candidate + (silu(reset) * value) @ unit.mix.weight.T)
        return update.sigmoid() * candidate + (1 - update.sigmoid()) * X

    check(make_unit("MegaEMA", D), layer, B)


def test_scan_of_any_shape_and_type():
    unit = make_unit("LinearScan", 8, scan_chunk=4)
    for shape in ((3,), (2, 5), ()):
        decay = torch.polar(torch.rand(2, 23, *shape), torch.randn(2, 23, *shape)).cdouble()
        added = torch.randn(2, 23, *shape, dtype=torch.complex128)
        _, Z = unit(torch.zeros(2, 23, 8), decay=decay, added=added)
        h = torch.zeros_like(added[:, 0])
        for t in range(23):
            h = decay[:, t] * h + added[:, t]
            assert torch.allclose(Z["states"][:, t], h)


@pytest.mark.parametrize("length", [1, 3, 4, 9])
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=str)
def test_scan_has_the_gradient_of_its_recurrence(length, dtype):
    unit = make_unit("LinearScan", 8, scan_chunk=4)
    X = torch.zeros(2, length, 8)

    def states(decay, added):
        return unit(X, decay=decay, added=added)[1]["states"]

    inputs = tuple(torch.randn(2, length, 2, dtype=dtype, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(states, inputs)
