"""Units whose state is a matrix against their recurrences, position by position (float64)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from genesys.gau.base import GAUBase

from .conftest import make_unit
from .recurrences import (
    check,
    outer,
    read,
    recent,
    rms,
    silu,
    split,
    standardise,
    turn,
    unit_length,
)

# A channel of ChannelDecayMemory keeps at least so much.
FASTEST = math.exp(-5)


def linear_attention(unit: GAUBase, X: Tensor) -> Iterator[Tensor]:
    S = z = 0.0
    for x in X.unbind(1):
        q, k, v = split(unit.qkv(x), unit.heads, 3)
        q, k = (torch.where(y > 0, y + 1, y.exp()) for y in (q, k))
        S, z = S + outer(k, v), z + k
        yield unit.out((read(S, q) / ((q * z).sum(-1, keepdim=True) + 1e-6)).flatten(1))


def lightning_attention(unit: GAUBase, X: Tensor) -> Iterator[Tensor]:
    S, H = 0.0, unit.heads
    block, blocks = unit.block_loc
    rate = torch.tensor([8 * h / H * (1 - block / blocks) for h in range(1, H + 1)])
    for x in X.unbind(1):
        q, k, v = split(unit.qkv(x), H, 3)
        S = (-rate.double()).exp()[:, None, None] * S + outer(silu(k), v)
        yield unit.out(rms(read(S, silu(q)).flatten(1)) * unit.gate(x).sigmoid())


def hedgehog_attention(unit: GAUBase, X: Tensor) -> Iterator[Tensor]:
    S = z = 0.0
    for x in X.unbind(1):
        q, k, v = split(unit.qkv(x), unit.heads, 3)
        q, k = (
            torch.einsum("bhd,hde->bhe", y, W) for y, W in ((q, unit.query_map), (k, unit.key_map))
        )
        q, k = (torch.cat((y.softmax(-1), (-y).softmax(-1)), dim=-1) for y in (q, k))
        S, z = S + outer(k, v), z + k
        yield unit.out((read(S, q) / ((q * z).sum(-1, keepdim=True) + 1e-6)).flatten(1))


def based_attention(unit: GAUBase, X: Tensor) -> Iterator[Tensor]:
    S, z, cache = 0.0, 0.0, []
    for t, x in enumerate(X.unbind(1)):
        parts = unit.parts(x).split(unit.sizes, dim=-1)
        q, k, v, near_q, near_k, near_v = (y.unflatten(-1, (unit.heads, -1)) for y in parts)
        q, k = (y / y.shape[-1] ** 0.25 for y in (q, k))
        q, k = (
            torch.cat((torch.ones_like(y[..., :1]), y, outer(y, y).flatten(-2) / 2**0.5), dim=-1)
            for y in (q, k)
        )
        S, z = S + outer(k, v), z + k
        far = read(S, q) / (q * z).sum(-1, keepdim=True)
        cache = [*cache, (turn(near_k, t), near_v)][-unit.window :]
        score = torch.stack([(turn(near_q, t) * key).sum(-1) for key, _ in cache])
        share = (score / math.sqrt(near_q.shape[-1])).softmax(0)[..., None]
        near = (share * torch.stack([value for _, value in cache])).sum(0)
        yield unit.out(torch.cat((far, near), dim=1).flatten(1))


def gated_linear_attention(unit: GAUBase, X: Tensor) -> Iterator[Tensor]:
    S, D = 0.0, unit.embed_dim
    for x in X.unbind(1):
        q, k, v, gate = unit.qkvg(x).split([D // 2, D // 2, D, D], dim=-1)
        keep = unit.decay_up(unit.decay_down(x)).sigmoid() ** (1 / 16)
        q, k, v, keep = (y.unflatten(-1, (unit.heads, -1)) for y in (q, k, v, keep))
        S = keep[..., None].clamp(min=FASTEST) * S + outer(k, v)
        y = standardise(read(S, q) / math.sqrt(q.shape[-1])).flatten(1)
        yield unit.out(silu(gate) * y * unit.norm_scale)


def hgrn2(unit: GAUBase, X: Tensor) -> Iterator[Tensor]:
    S, low = 0.0, unit.block_loc[0] / unit.block_loc[1]
    for x in X.unbind(1):
        o, f, v = split(unit.gates(x), unit.heads, 3)
        f = low + (1 - low) * f.sigmoid()
        S = f.clamp(min=FASTEST)[..., None] * S + outer(1 - f, v)
        yield unit.out(rms(read(S, silu(o)).flatten(1)) * unit.norm_scale)


def gated_slot_attention(unit: GAUBase, X: Tensor) -> Iterator[Tensor]:
    K = V = 0.0
    for x in X.unbind(1):
        q, k, v = split(silu(unit.qkv(x)), unit.heads, 3)
        (a,) = split((unit.keep(x).sigmoid() ** (1 / 8)).clamp(min=FASTEST), unit.heads, 1)
        K = a[..., None] * K + outer(1 - a, k)
        V = a[..., None] * V + outer(1 - a, v)
        share = (K @ q[..., None] / math.sqrt(q.shape[-1])).squeeze(-1).softmax(-1)
        yield unit.out(rms(read(V, share)).flatten(1) * unit.norm_scale)


def delta_net(unit: GAUBase, X: Tensor) -> Iterator[Tensor]:
    S, identity = 0.0, torch.eye(unit.embed_dim // unit.heads).double()
    mixed = recent(unit.qkv(X), unit.conv.weight)
    for x, y in zip(X.unbind(1), mixed, strict=True):
        q, k, v = split(silu(y), unit.heads, 3)
        q, k = unit_length(q), unit_length(k)
        b = unit.rate(x).sigmoid()[..., None, None]
        S = (identity - b * outer(k, k)) @ (S + torch.zeros_like(outer(k, v))) + b * outer(k, v)
        yield unit.out(rms(read(S, q)).flatten(1) * unit.norm_scale)


def gated_delta_net(unit: GAUBase, X: Tensor) -> Iterator[Tensor]:
    S, identity = 0.0, torch.eye(unit.embed_dim // unit.heads).double()
    mixed = recent(unit.qkv(X), unit.conv.weight)
    for x, y in zip(X.unbind(1), mixed, strict=True):
        q, k, v = split(silu(y), unit.heads, 3)
        q, k = unit_length(q), unit_length(k)
        b, step = unit.rates(x).chunk(2, dim=-1)
        b = b.sigmoid()[..., None, None]
        a = (-unit.A_log.exp() * (1 + (step + unit.dt_bias).exp()).log()).exp()[..., None, None]
        S = a * (identity - b * outer(k, k)) @ (S + torch.zeros_like(outer(k, v)))
        S = S + b * outer(k, v)
        yield unit.out(rms(read(S, q)).flatten(1) * unit.norm_scale * silu(unit.gate(x)))


def titans_memory(unit: GAUBase, X: Tensor) -> Iterator[Tensor]:
    M, S = unit.memory.expand(len(X), -1, -1, -1), 0.0
    mixed = recent(unit.qkv(X), unit.conv.weight)
    for t, (x, y) in enumerate(zip(X.unbind(1), mixed, strict=True)):
        if t % unit.chunk == 0:
            start = M
        q, k, v = split(silu(y), unit.heads, 3)
        q, k = unit_length(q), unit_length(k)
        s, e, f = (g.sigmoid()[..., None, None] for g in unit.rates(x).chunk(3, dim=-1))
        G = outer(k, read(start, k) - v)
        S = e * S - s * (1 - e) / unit.chunk * G
        M = (1 - f) * M + S
        yield unit.out(rms(read(M, q)).flatten(1) * unit.norm_scale * silu(unit.gate(x)))


def m_lstm(unit: GAUBase, X: Tensor) -> Iterator[Tensor]:
    C, n, D, H = 0.0, 0.0, unit.embed_dim, unit.heads
    for x in X.unbind(1):
        q, k, v, o = unit.qkvo(x).split([D // 2, D // 2, D, D], dim=-1)
        q, k, v = (y.unflatten(-1, (H, -1)) for y in (q, k, v))
        i, f = (y[..., None] for y in unit.gates(x).chunk(2, dim=-1))
        k, i, f = k / math.sqrt(k.shape[-1]), i.exp(), f.sigmoid()
        C, n = f[..., None] * C + i[..., None] * outer(k, v), f * n + i * k
        h = read(C, q) / (n * q).sum(-1, keepdim=True).abs().clamp(min=1.0)
        yield unit.out(standardise(h).flatten(1) * unit.norm_scale * o.sigmoid())


RECURRENCES = {
    "LinearAttention": linear_attention,
    "LightningAttention": lightning_attention,
    "HedgehogAttention": hedgehog_attention,
    "BasedAttention": based_attention,
    "GatedLinearAttention": gated_linear_attention,
    "HGRN2": hgrn2,
    "GatedSlotAttention": gated_slot_attention,
    "DeltaNet": delta_net,
    "GatedDeltaNet": gated_delta_net,
    "TitansMemory": titans_memory,
    "MLSTM": m_lstm,
}


@pytest.mark.parametrize("name", RECURRENCES)
def test_unit_is_its_recurrence(name):
    check(make_unit(name, 48, head_dim=16), RECURRENCES[name])


@pytest.mark.parametrize("name", RECURRENCES)
def test_unit_is_its_recurrence_with_one_head_and_steep_gates(name):
    check(make_unit(name, 16, moved=1.5, head_dim=16), RECURRENCES[name])


def test_hgrn2_in_the_first_block_can_forget_all():
    unit = make_unit("HGRN2", 32, moved=1.5, head_dim=16)
    unit.block_loc = (0, 3)
    check(unit, hgrn2)
