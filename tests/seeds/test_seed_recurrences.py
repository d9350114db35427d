"""Each seed's fast form against a recurrence written out position by position (float64).

The recurrences use the unit's parameters and nothing of its code, and keep only what a
recurrent model would keep: a state, or for attention a cache.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from genesys.gau.base import GAUBase

from .conftest import make_unit
from .recurrences import TOLERANCE, check, each_shape, rms, turn


def standardise(x: Tensor, eps: float) -> Tensor:
    x = x - x.mean(-1, keepdim=True)
    return x / (x.square().mean(-1, keepdim=True) + eps).sqrt()


def attention(unit: GAUBase, X: Tensor) -> Tensor:
    d, cache_k, cache_v, out = unit.head_dim, [], [], []
    for t, x in enumerate(X.unbind(1)):
        q, k, v = (y.unflatten(-1, (-1, d)) for y in unit.qkv(x).chunk(3, dim=-1))
        cache_k.append(turn(k, t))
        cache_v.append(v)
        weight = [(turn(q, t) * key).sum(-1) / math.sqrt(d) for key in cache_k]
        share = torch.stack(weight).softmax(0)[..., None]
        out.append(unit.out((share * torch.stack(cache_v)).sum(0).flatten(1)))
    return torch.stack(out, dim=1)


@each_shape
def test_gpt2_attention(B, D):
    check(make_unit("gpt2", "MHA", D), attention, 16, B)


def selective_state_space(unit: GAUBase, X: Tensor) -> Tensor:
    rate, out = -unit.A_log.exp(), []
    H, (E, N, _), taps = len(rate), unit.mixed_sizes, unit.conv_weight.shape[0]
    recent = [torch.zeros(len(X), E + 2 * N, dtype=X.dtype)] * taps
    S = torch.zeros(len(X), H, N, E // H, dtype=X.dtype)
    for x in X.unbind(1):
        gate, mixed, dt = unit.in_proj(x).split([E, E + 2 * N, H], dim=-1)
        recent = [*recent[1:], mixed]
        conv = sum(w * y for w, y in zip(unit.conv_weight, recent, strict=True)) + unit.conv_bias
        v, b, c = (conv * conv.sigmoid()).split([E, N, N], dim=-1)
        v, dt = v.unflatten(-1, (H, -1)), (1 + (dt + unit.dt_bias).exp()).log()
        S = (dt * rate).exp()[..., None, None] * S
        S = S + torch.einsum("bh,bn,bhp->bhnp", dt, b, v)
        y = torch.einsum("bn,bhnp->bhp", c, S) + unit.skip[:, None] * v
        y = rms(y.flatten(1) * gate * gate.sigmoid(), unit.norm.weight)
        out.append(unit.out_proj(y))
    return torch.stack(out, dim=1)


@each_shape
@pytest.mark.parametrize("chunk", [5, 32])
def test_mamba2_layer(B, D, chunk):
    unit = make_unit("mamba2", "Mamba2Layer", D, ssd_chunk=chunk)
    check(unit, selective_state_space, chunk, B)


def retention(unit: GAUBase, X: Tensor) -> Tensor:
    H, D, out = unit.heads, unit.embed_dim, []
    gamma = torch.tensor([1 - 2.0 ** (-5 - h) for h in range(H)]).double()[:, None, None]
    S = torch.zeros(len(X), H, D // H, 2 * D // H, dtype=X.dtype)
    for t, x in enumerate(X.unbind(1)):
        q, k, v, gate = unit.qkvg(x).split([D, D, 2 * D, 2 * D], dim=-1)
        q, k, v = (y.unflatten(-1, (H, -1)) for y in (q, k, v))
        S = gamma * S + torch.einsum("bhd,bhe->bhde", turn(k, t) / math.sqrt(D // H), v)
        y = standardise(torch.einsum("bhd,bhde->bhe", turn(q, t), S), 1e-5).flatten(1)
        out.append(unit.out(gate * gate.sigmoid() * y))
    return torch.stack(out, dim=1)


@each_shape
@pytest.mark.parametrize("chunk", [5, 32])
def test_retnet_retention(B, D, chunk):
    unit = make_unit("retnet", "MultiScaleRetention", D, retention_chunk=chunk)
    check(unit, retention, chunk, B)


def low_rank(lora: GAUBase, x: Tensor) -> Tensor:
    return torch.tanh(x @ lora.down.weight.T) @ lora.up.weight.T


def time_mix(unit: GAUBase, X: Tensor) -> Tensor:
    H, D, out = unit.heads, unit.embed_dim, []
    S = torch.zeros(len(X), H, D // H, D // H, dtype=X.dtype)
    u, before = unit.bonus.view(H, -1), torch.zeros_like(X[:, 0])
    for x in X.unbind(1):
        base = x + (before - x) * unit.base_mix

        def stream(part, x=x, before=before, base=base):
            mixed = x + (before - x) * (part.mix + low_rank(part.amount, base))
            linear = isinstance(part.project, nn.Linear)
            return mixed @ part.project.weight.T if linear else low_rank(part.project, mixed)

        r, k, v = (
            stream(p).unflatten(-1, (H, -1)) for p in (unit.receptance, unit.key, unit.value)
        )
        rate = (stream(unit.decay) + unit.decay_bias).exp().clamp(max=5.0)
        w = (-rate).exp().unflatten(-1, (H, -1))
        now = torch.einsum("bhn,bhp->bhnp", k, v)
        y = torch.einsum("bhn,bhnp->bhp", r, S + u[..., None] * now)
        S = w[..., None] * S + now
        gate = stream(unit.gate)
        y = standardise(y, 1e-5).flatten(1) * unit.norm_scale
        out.append(unit.out(y * gate * gate.sigmoid()))
        before = x
    return torch.stack(out, dim=1)


@each_shape
@pytest.mark.parametrize("chunk", [5, 16])
@pytest.mark.parametrize("faster", [0.0, 4.0], ids=["slow_decay", "fastest_decay"])
def test_rwkv6_time_mix(B, D, chunk, faster):
    unit = make_unit("rwkv6", "RWKV6Attention", D, rwkv6_chunk=chunk)
    unit.decay_bias.data += faster
    check(unit, time_mix, chunk, B)


def channel_mix(unit: GAUBase, X: Tensor) -> Tensor:
    before, out = torch.zeros_like(X[:, 0]), []
    for x in X.unbind(1):
        r, k = ((x + (before - x) * p.mix) @ p.linear.weight.T for p in (unit.receptance, unit.key))
        out.append(r.sigmoid() * (k.clamp(min=0) ** 2 @ unit.down.weight.T))
        before = x
    return torch.stack(out, dim=1)


@each_shape
def test_rwkv6_channel_mix(B, D):
    check(make_unit("rwkv6", "RWKV6FeedForward", D), channel_mix, 16, B)


def inner_model(x: Tensor, W: Tensor, b: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """The model that TTT trains: x (B, H, d) through W (B, H, d, d), b (B, H, d)."""
    return x + gamma * standardise(torch.einsum("bhi,bhio->bho", x, W) + b, 1e-6) + beta


def learn_while_reading(unit: GAUBase, X: Tensor) -> Tensor:
    H, batch = unit.size
    gamma, beta = unit.gamma[:, 0], unit.beta[:, 0]
    W, b = unit.weight.expand(len(X), -1, -1, -1), unit.bias[:, 0].expand(len(X), -1, -1)
    out = []
    for t, x in enumerate(X.unbind(1)):
        if t % batch == 0:
            start = (W.clone().requires_grad_(), b.clone().requires_grad_())
        q, k, v = (y.unflatten(-1, (H, -1)) for y in unit.qkv(x).chunk(3, dim=-1))
        q, k = turn(q, t % batch), turn(k, t % batch)
        with torch.enable_grad():
            loss = (inner_model(k, *start, gamma, beta) - v).square().mean(-1).sum() / 2
        slopes = torch.autograd.grad(loss, start)
        eta = unit.rate(x).sigmoid()
        W, b = W - eta[..., None, None] * slopes[0], b - eta[..., None] * slopes[1]
        y = inner_model(q, W, b, gamma, beta).flatten(1)
        out.append(unit.out(rms(y, unit.norm.weight)))
    return torch.stack(out, dim=1)


@each_shape
@pytest.mark.parametrize("batch", [1, 5, 16])
def test_ttt_linear(B, D, batch):
    check(make_unit("ttt", "TTTLinear", D, ttt_batch=batch), learn_while_reading, max(batch, 3), B)


@each_shape
def test_ttt_conv(B, D):
    unit = make_unit("ttt", "Conv", D)

    def one_by_one(unit, X):
        recent, out = [torch.zeros_like(X[:, 0])] * 4, []
        for x in X.unbind(1):
            recent = [*recent[1:], rms(x, unit.norm.weight)]
            out.append(sum(w * y for w, y in zip(unit.weight, recent, strict=True)))
        return torch.stack(out, dim=1)

    check(unit, one_by_one, 16, B)


@pytest.mark.parametrize(
    ("seed", "name"), [("gpt2", "GatedMLP"), ("ttt", "SwiGluMLP"), ("retnet", "RetNetMLP")]
)
def test_feed_forward_layers(seed, name):
    unit = make_unit(seed, name, 48)
    x = torch.randn(2, 5, 48, dtype=torch.float64)
    if name == "RetNetMLP":
        h = x @ unit.up.weight.T
        inner = h * 0.5 * (1 + torch.erf(h / math.sqrt(2)))
    elif name == "GatedMLP":
        value, gate = (x @ unit.up.weight.T).chunk(2, dim=-1)
        inner = value * gate * gate.sigmoid()
    else:
        gate = x @ unit.gate.weight.T
        inner = gate * gate.sigmoid() * (x @ unit.up.weight.T)
    assert (unit(x)[0] - inner @ unit.down.weight.T).abs().max() < TOLERANCE
