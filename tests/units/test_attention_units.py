"""Attention units against definitions that walk from position to position, in float64.

Every definition is written from the formulas in the unit's docstring, with its matrices.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from .conftest import gap, make_unit

CLOSE = 1e-6
LENGTHS = (1, 3, 4, 5, 8, 9, 13)

each_length = pytest.mark.parametrize("length", LENGTHS)


def inputs(length: int, dim: int = 32) -> Tensor:
    return torch.randn(2, length, dim, dtype=torch.float64)


def heads(x: Tensor, width: int) -> Tensor:
    """(B, L, H width) as (B, L, H, width)."""
    return x.unflatten(-1, (-1, width))


def turned(x: Tensor, position: int, base: float = 10000.0) -> Tensor:
    """The vectors x (..., d) with each pair of halves turned as a complex number."""
    width = x.shape[-1]
    a, b = x.chunk(2, dim=-1)
    rate = base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    y = torch.complex(a, b) * torch.polar(torch.ones_like(rate), position * rate)
    return torch.cat((y.real, y.imag), dim=-1)


def walk(
    q: Tensor, k: Tensor, v: Tensor, score: Callable[[Tensor, Tensor, int, int], Tensor]
) -> Tensor:
    """Softmax attention over the past, pair by pair; (B, L, H, d) each.

    ``score(q_t, k_s, t, s)`` gives (B, H), or None for what is not seen.
    """
    out = []
    for t in range(q.shape[1]):
        scores = [(s, score(q[:, t], k[:, s], t, s)) for s in range(t + 1)]
        seen = [(s, x.exp()) for s, x in scores if x is not None]
        total = sum(x for _, x in seen)
        out.append(sum((x / total)[..., None] * v[:, s] for s, x in seen))
    return torch.stack(out, dim=1)


def rotary_score(q: Tensor, k: Tensor, t: int, s: int) -> Tensor:
    return (turned(q, t) * turned(k, s)).sum(-1) * q.shape[-1] ** -0.5


@each_length
@pytest.mark.parametrize("name", ["GQA", "MQA"])
def test_shared_keys(name, length):
    unit, X = make_unit(name, 32, head_dim=8), inputs(length)
    q, k, v = (heads(x, 8) for x in unit.qkv(X).split(unit.sizes, dim=-1))
    owner = [h * k.shape[2] // 4 for h in range(4)]
    expected = walk(q, k[:, :, owner], v[:, :, owner], rotary_score)
    assert k.shape[2] == {"GQA": 2, "MQA": 1}[name]
    assert gap(unit(X)[0], unit.out(expected.flatten(2))) < CLOSE


@each_length
def test_mla_from_its_cache(length):
    """Only latents and rotary keys are kept; the keys' matrix is taken into the queries."""
    unit, X = make_unit("MLA", 32, head_dim=16, rotary_dim=4), inputs(length)
    q, latent, shared = unit.read(X).split([40, 16, 4], dim=-1)
    latent = functional.rms_norm(latent, (16,), eps=1e-5) * unit.gain
    matrix = unit.expand.weight.view(2, 2, 16, 16)  # (H, k or v, d, latent)
    q = heads(q, 20)
    asked = torch.einsum("blhd,hdc->blhc", q[..., :16], matrix[:, 0])

    def score(q_t: Tensor, k_s: Tensor, t: int, s: int) -> Tensor:
        turning = (turned(q[:, t, :, 16:], t) * turned(shared[:, s, None], s)).sum(-1)
        return ((q_t * k_s).sum(-1) + turning) * 20**-0.5

    kept = latent[:, :, None].expand(-1, -1, 2, -1)
    found = torch.einsum("blhc,hdc->blhd", walk(asked, kept, kept, score), matrix[:, 1])
    assert gap(unit(X)[0], unit.out(found.flatten(2))) < CLOSE


@each_length
@pytest.mark.parametrize("window", [1, 4])
def test_sliding_window(length, window):
    unit, X = make_unit("SlidingWindowAttention", 32, head_dim=16, window=window), inputs(length)
    q, k, v = heads(unit.qkv(X), 16).chunk(3, dim=2)

    def score(q: Tensor, k: Tensor, t: int, s: int) -> Tensor | None:
        return rotary_score(q, k, t, s) if t - s < window else None

    assert gap(unit(X)[0], unit.out(walk(q, k, v, score).flatten(2))) < CLOSE


@each_length
def test_sink(length):
    unit, X = make_unit("SinkAttention", 32, head_dim=16, window=4), inputs(length)
    q, k, v = heads(unit.qkv(X), 16).chunk(3, dim=2)
    sink_key, sink_value = unit.sink
    out = []
    for t in range(length):
        first = max(0, t - 3)
        scores = [rotary_score(q[:, t], k[:, s], t, s) for s in range(first, t + 1)]
        scores = [(q[:, t] * sink_key).sum(-1) / 4, *scores]
        weights = torch.stack(scores).exp()
        values = torch.stack([sink_value.expand(2, -1, -1), *v[:, first : t + 1].unbind(1)])
        out.append((weights[..., None] * values).sum(0) / weights.sum(0)[..., None])
    assert gap(unit(X)[0], unit.out(torch.stack(out, dim=1).flatten(2))) < CLOSE


@each_length
def test_alibi(length):
    unit, X = make_unit("ALiBiAttention", 32, head_dim=8), inputs(length)
    q, k, v = heads(unit.qkv(X), 8).chunk(3, dim=2)
    slope = torch.tensor([1 / 4, 1 / 16, 1 / 64, 1 / 256], dtype=torch.float64)

    def score(q: Tensor, k: Tensor, t: int, s: int) -> Tensor:
        return (q * k).sum(-1) * 8**-0.5 - slope * (t - s)

    assert gap(unit(X)[0], unit.out(walk(q, k, v, score).flatten(2))) < CLOSE


@each_length
def test_kerple(length):
    unit, X = make_unit("KerpleAttention", 32, head_dim=8), inputs(length)
    q, k, v = heads(unit.qkv(X), 8).chunk(3, dim=2)
    a, b = unit.kernel.exp().log1p()

    def score(q: Tensor, k: Tensor, t: int, s: int) -> Tensor:
        return (q * k).sum(-1) * 8**-0.5 - a * (1 + b * (t - s)).log()

    assert gap(unit(X)[0], unit.out(walk(q, k, v, score).flatten(2))) < CLOSE


@each_length
def test_forgetting(length):
    unit, X = make_unit("ForgettingAttention", 32, head_dim=8), inputs(length)
    q, k, v = heads(unit.qkv(X), 8).chunk(3, dim=2)
    forget = torch.sigmoid(unit.forget(X))

    def score(q: Tensor, k: Tensor, t: int, s: int) -> Tensor:
        kept = forget[:, s + 1 : t + 1].prod(dim=1)
        return (q * k).sum(-1) * 8**-0.5 + kept.log()

    assert gap(unit(X)[0], unit.out(walk(q, k, v, score).flatten(2))) < CLOSE


@each_length
def test_differential(length):
    unit, X = make_unit("DifferentialAttention", 32, head_dim=8), inputs(length)
    q, k, v = unit.qkv(X).chunk(3, dim=-1)
    q, k, v = heads(q, 8), heads(k, 8), heads(v, 16)
    (a1, a2), (b1, b2) = unit.lam
    lam0 = 0.8 - 0.6 * math.exp(-0.3)  # block 1 of 3
    lam = (a1 @ b1).exp() - (a2 @ b2).exp() + lam0
    first, second = (walk(q[:, :, h], k[:, :, h], v, rotary_score) for h in ([0, 1], [2, 3]))
    out = functional.rms_norm(first - lam * second, (16,), eps=1e-5) * unit.gain * (1 - lam0)
    assert gap(unit(X)[0], unit.out(out.flatten(2))) < CLOSE


@each_length
def test_qk_norm(length):
    unit, X = make_unit("QKNormAttention", 32, head_dim=16), inputs(length)
    q, k, v = heads(unit.qkv(X), 16).chunk(3, dim=2)

    def score(q: Tensor, k: Tensor, t: int, s: int) -> Tensor:
        cosine = torch.cosine_similarity(turned(q, t), turned(k, s), dim=-1)
        return unit.scale.flatten() * cosine

    assert gap(unit(X)[0], unit.out(walk(q, k, v, score).flatten(2))) < CLOSE


@each_length
def test_rectified(length):
    unit, X = make_unit("RectifiedAttention", 32, head_dim=16), inputs(length)
    q, k, v = heads(unit.qkv(X), 16).chunk(3, dim=2)
    out = []
    for t in range(length):
        pairs = (rotary_score(q[:, t], k[:, s], t, s).clamp(min=0) for s in range(t + 1))
        out.append(sum(x[..., None] * v[:, s] for s, x in enumerate(pairs)))
    z = functional.rms_norm(torch.stack(out, dim=1), (16,), eps=1e-5) * unit.gain
    assert gap(unit(X)[0], unit.out((z * torch.sigmoid(unit.gate * z)).flatten(2))) < CLOSE


@each_length
def test_cope(length):
    unit, X = make_unit("CoPEAttention", 32, head_dim=16, positions=4), inputs(length)
    q, k, v = heads(unit.qkv(X), 16).chunk(3, dim=2)
    to_table = q @ unit.table.T  # (B, L, H, P)

    def score(q_t: Tensor, k_s: Tensor, t: int, s: int) -> Tensor:
        gates = [torch.sigmoid((q_t * k[:, i]).sum(-1)) for i in range(s, t + 1)]
        position = sum(gates).clamp(max=3)
        below, above = position.floor().long(), position.ceil().long()
        at = to_table[:, t].gather(-1, torch.stack((below, above), dim=-1))
        share = position - below
        return ((q_t * k_s).sum(-1) + (1 - share) * at[..., 0] + share * at[..., 1]) / 4

    assert gap(unit(X)[0], unit.out(walk(q, k, v, score).flatten(2))) < CLOSE


@each_length
def test_infini(length):
    unit, X = make_unit("InfiniAttention", 32, head_dim=16, segment=4), inputs(length)
    q, k, v = heads(unit.qkv(X), 16).chunk(3, dim=2)

    def local(q: Tensor, k: Tensor, t: int, s: int) -> Tensor | None:
        return rotary_score(q, k, t, s) if s // 4 == t // 4 else None

    far = []
    for t in range(length):
        feature = functional.elu(q[:, t]) + 1
        pairs = [(feature * (functional.elu(k[:, s]) + 1)).sum(-1) for s in range(t // 4 * 4)]
        told = sum((x[..., None] * v[:, s] for s, x in enumerate(pairs)), torch.zeros_like(q[:, t]))
        far.append(told / (1 + sum(pairs, torch.zeros(())))[..., None])
    share = torch.sigmoid(unit.gate).flatten()[:, None]
    out = (1 - share) * walk(q, k, v, local) + share * torch.stack(far, dim=1)
    assert gap(unit(X)[0], unit.out(out.flatten(2))) < CLOSE


@each_length
def test_vq_is_softmax_attention_to_rounded_keys(length):
    unit, X = make_unit("VQAttention", 32, head_dim=16, codes=5, chunk=4), inputs(length)
    q, k, v = heads(unit.qkv(X), 16).chunk(3, dim=2)
    apart = (k[..., None, :] - unit.codes).norm(dim=-1)  # (B, L, H, S)
    rounded = torch.stack([unit.codes[h][apart[:, :, h].argmin(-1)] for h in range(2)], dim=2)

    def score(q: Tensor, k: Tensor, t: int, s: int) -> Tensor:
        near = unit.bias[:, t - s] if t - s < 4 else 0.0
        return (q * k).sum(-1) / 4 + near

    assert gap(unit(X)[0], unit.out(walk(q, rounded, v, score).flatten(2))) < CLOSE


@pytest.mark.parametrize("name", ["SlidingWindowAttention", "SinkAttention", "VQAttention"])
def test_time_is_linear_in_the_length(name):
    """Counted in floating-point operations."""
    from torch.utils.flop_counter import FlopCounterMode

    unit, counts = make_unit(name, 32), []
    for length in (512, 1024):
        with FlopCounterMode(display=False) as counter:
            unit(inputs(length))
        counts.append(counter.get_total_flops())
    assert counts[1] < 2.05 * counts[0]


def test_vq_keys_and_codes_learn():
    unit = make_unit("VQAttention", 32, head_dim=16, codes=5, chunk=4)
    X = inputs(24)
    unit(X)[0].square().sum().backward()
    keys = unit.qkv.weight.grad[32:64]
    assert (keys.abs().sum(-1) > 0).all()
    assert (unit.codes.grad.abs().sum(-1) > 0).any(-1).all()
