"""The discovered designs' fast forms against recurrences written out position by position.

As in ``test_seed_recurrences.py``: float64, parameters moved from their start, nothing of the
units' code, and only what a recurrent model would keep.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from genesys.gau.base import GAUBase

from .conftest import make_unit
from .recurrences import TOLERANCE, check, each_shape, rms, turn


def swish(x: Tensor) -> Tensor:
    return x * x.sigmoid()


def selective_gate(unit: GAUBase, X: Tensor) -> Tensor:
    h, out = torch.zeros_like(X[:, 0]), []
    recent = [h] * len(unit.taps)
    for x in X.unbind(1):
        recent = [*recent[1:], x @ unit.candidate.weight.T]
        candidate = swish(sum(w * y for w, y in zip(unit.taps, recent, strict=True)))
        s = (x @ unit.gate.weight.T + unit.gate.bias).sigmoid().repeat_interleave(8, dim=-1)
        h = s * h + (1 - s) * candidate
        out.append(h)
    return torch.stack(out, dim=1)


@each_shape
def test_vqh_selective_gating(B, D):
    check(make_unit("vqh", "SelectiveGatingUnit", D), selective_gate, 16, B)


@each_shape
def test_vqh_memories(B, D):
    unit = make_unit("vqh", "HierarchicalMemoryIntegrator", D)
    for length in (1, 2, 16, 31):
        X, codes = torch.randn(2, B, length, D, dtype=torch.float64)
        H, out = torch.zeros(B, 3, D, dtype=torch.float64), []
        for x, c in zip(X.unbind(1), codes.unbind(1), strict=True):
            H = unit.decay.sigmoid().view(3, D) * H + unit.amount.view(3, D) * c[:, None]
            out.append((H * swish(x @ unit.gate.weight.T)[:, None]).flatten(1) @ unit.out.weight.T)
        assert (unit(X, codes=codes)[0] - torch.stack(out, dim=1)).abs().max() < TOLERANCE


@pytest.mark.parametrize("design", ["vqh", "hippovq"])
def test_quantisation_is_a_share_of_near_codes(design):
    unit = make_unit(design, "VectorQuantization", 48)
    x = torch.randn(48, dtype=torch.float64)
    out = []
    for part, codes, sharpness in zip(
        x.split(8), unit.codebook, unit.sharpness.flatten(), strict=True
    ):
        distance = (rms(part, torch.ones(8)) - codes).square().sum(-1)
        share = (-sharpness * distance / 2).exp()
        out.append((share[:, None] * codes).sum(0) / share.sum())
    assert (unit(x.view(1, 1, 48))[0].flatten() - torch.cat(out)).abs().max() < TOLERANCE


def nearest_match(unit: GAUBase, X: Tensor) -> Tensor:
    d, cache_k, cache_v, out = unit.head_dim, [], [], []
    for t, x in enumerate(X.unbind(1)):
        q, k, v, gate = (y.unflatten(-1, (-1, d)) for y in unit.qkvg(x).chunk(4, dim=-1))
        cache_k.append(turn(k, t))
        cache_v.append(v)
        left, y = torch.ones_like(q[..., :1]), torch.zeros_like(v)
        for key, value in zip(reversed(cache_k), reversed(cache_v), strict=True):
            score = (turn(q, t) * key).sum(-1) / math.sqrt(d) + unit.readiness
            match = score.sigmoid()[..., None]
            y, left = y + left * match * value, left * (1 - match)
        out.append(unit.out((gate.sigmoid() * y).flatten(1)))
    return torch.stack(out, dim=1)


@each_shape
def test_geogate_attention(B, D):
    check(make_unit("geogate", "GeometricGatedMHA", D), nearest_match, 8, B)


def two_levels(unit: GAUBase, X: Tensor) -> Tensor:
    rate, (E, N, _), H = -unit.A_log.exp(), unit.mixed_sizes, len(unit.skip)
    recent = [torch.zeros(len(X), E + 2 * N, dtype=X.dtype)] * len(unit.conv_weight)
    low = high = torch.zeros(len(X), H, N, E // H, dtype=X.dtype)
    held, out = torch.zeros(len(X), E, dtype=X.dtype), []

    def step(place, S, v, b, c, dt):
        dt = (1 + (dt + unit.dt_bias[place]).exp()).log()
        S = (dt * rate[place]).exp()[..., None, None] * S
        S = S + torch.einsum("bh,bn,bhp->bhnp", dt, b, v.unflatten(-1, (H, -1)))
        return S, torch.einsum("bn,bhnp->bhp", c, S).flatten(1)

    for t, x in enumerate(X.unbind(1)):
        gate, mixed, dt = unit.in_proj(x).split([E, E + 2 * N, H], dim=-1)
        recent = [*recent[1:], mixed]
        conv = sum(w * y for w, y in zip(unit.conv_weight, recent, strict=True)) + unit.conv_bias
        v, b, c = swish(conv).split([E, N, N], dim=-1)
        low, y = step(0, low, v, b, c, dt)
        y = y + unit.skip.repeat_interleave(E // H) * v
        if t % 4 == 3:
            b, c, dt = (y @ unit.upper.weight.T).split([N, N, H], dim=-1)
            high, held = step(1, high, y, b, c, dt)
        out.append(unit.out_proj(rms((y + held) * swish(gate), unit.norm.weight)))
    return torch.stack(out, dim=1)


@each_shape
@pytest.mark.parametrize("chunk", [5, 32])
def test_hmamba_layer(B, D, chunk):
    check(make_unit("hmamba", "HierarchicalMambaLayer", D, ssd_chunk=chunk), two_levels, chunk, B)


def streaming(unit: GAUBase, X: Tensor) -> Tensor:
    """Keeps four sinks and sixteen positions."""
    sinks, window, out = [], [], []
    favour, favour_sink = unit.cache.favour_distance, unit.cache.favour_sink
    for x in X.unbind(1):
        q, k, v = unit.qkv(x).chunk(3, dim=-1)
        window.append((k, v))
        if len(window) > 16:
            gone = window.pop(0)
            sinks += [gone] if len(sinks) < 4 else []
        raised = [*favour_sink[: len(sinks)], *favour[: len(window)].flip(0)]
        kept = [*sinks, *window]
        score = [
            (q * key).sum(-1) / math.sqrt(q.shape[-1]) + more
            for (key, _), more in zip(kept, raised, strict=True)
        ]
        share = torch.stack(score).softmax(0)[..., None]
        recalled = (share * torch.stack([value for _, value in kept])).sum(0)
        h = torch.cat((x, recalled), dim=-1) @ unit.up.weight.T
        out.append(h * 0.5 * (1 + torch.erf(h / math.sqrt(2))) @ unit.down.weight.T)
    return torch.stack(out, dim=1)


@each_shape
def test_srn_streaming_mlp(B, D):
    check(make_unit("srn", "StreamRetNetMLP", D), streaming, 16, B)


def legendre_step(order: int, window: float) -> tuple[Tensor, Tensor]:
    """Zero-order hold of the Legendre memory's equation, input and state in one exponential."""
    rate = torch.zeros(order + 1, order + 1, dtype=torch.float64)
    for i in range(order):
        for j in range(order):
            sign = -1 if i < j else (-1) ** (i - j + 1)
            rate[i, j] = math.sqrt((2 * i + 1) * (2 * j + 1)) * sign / window
        rate[i, order] = math.sqrt(2 * i + 1) * (-1) ** i / math.sqrt(window)
    both = rate.matrix_exp()
    return both[:order, :order], both[:order, order]


@pytest.mark.parametrize(("B", "D"), [(1, 16), (2, 48)])
@pytest.mark.parametrize("chunk", [5, 32])
def test_hippovq_memories(B, D, chunk):
    windows = (4, 16, 64)
    unit = make_unit("hippovq", "HPMemory", D, memory_chunk=chunk, windows=windows)
    steps = [legendre_step(8, window) for window in windows]
    A, drive = (torch.stack(parts) for parts in zip(*steps, strict=True))
    for length in (1, chunk - 1, chunk, 2 * chunk + 3):
        X, values = torch.randn(2, B, length, D, dtype=torch.float64)
        events = torch.rand(B, length, D // 16, dtype=torch.float64)
        reads = unit(X, values=values, events=events)[1]["reads"]
        m = torch.zeros(B, D // 16, 3, 8, 16, dtype=torch.float64)
        for t in range(length):
            written = values[:, t].unflatten(-1, (-1, 16)) * events[:, t, :, None]
            m = A @ m + drive[..., None] * written[:, :, None, None]
            reader = unit.reader(X[:, t]).unflatten(-1, (3, D // 16, 8)) / math.sqrt(8)
            read = torch.einsum("bshn,bhsnd->bshd", reader, m).flatten(2)
            assert (reads[:, t] - read).abs().max() < TOLERANCE
