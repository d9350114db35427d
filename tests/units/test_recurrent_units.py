"""Units whose state is a vector against their recurrences, position by position (float64)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from genesys.gau.base import GAUBase

from .conftest import make_unit
from .recurrences import check, recent, rms, silu, standardise


def s_lstm(unit: GAUBase, X: Tensor) -> Iterator[Tensor]:
    H, c, n = unit.heads, 0.0, 0.0
    h = torch.zeros(len(X), H, unit.embed_dim // H).double()
    for x in X.unbind(1):
        gates = unit.gates(x).unflatten(-1, (H, -1)) + (h[..., None, :] @ unit.recurrent).squeeze(
            -2
        )
        i, f, z, o = gates.chunk(4, dim=-1)
        c = f.sigmoid() * c + i.exp() * z.tanh()
        n = f.sigmoid() * n + i.exp()
        h = o.sigmoid() * c / n
        yield standardise(h).flatten(1) * unit.norm_scale


def min_gru(unit: GAUBase, X: Tensor) -> Iterator[Tensor]:
    h = torch.zeros_like(X[:, 0])
    for y in recent(X, unit.conv.weight):
        z, c = unit.gates(y).chunk(2, dim=-1)
        z, c = z.sigmoid(), torch.where(c >= 0, c + 0.5, c.sigmoid())
        h = (1 - z) * h + z * c
        yield unit.out(h)


def min_lstm(unit: GAUBase, X: Tensor) -> Iterator[Tensor]:
    h = torch.zeros_like(X[:, 0])
    for y in recent(X, unit.conv.weight):
        f, i, c = unit.gates(y).chunk(3, dim=-1)
        f, i, c = f.sigmoid(), i.sigmoid(), torch.where(c >= 0, c + 0.5, c.sigmoid())
        h = (f * h + i * c) / (f + i)
        yield unit.out(h)


def rg_lru(unit: GAUBase, X: Tensor) -> Iterator[Tensor]:
    h, H = torch.zeros_like(X[:, 0]), len(unit.gate_weight)
    side, u = unit.branches(X).chunk(2, dim=-1)
    for left, y in zip(side.unbind(1), recent(u, unit.conv.weight), strict=True):
        gates = (y.unflatten(-1, (H, 1, -1)) @ unit.gate_weight).squeeze(-2) + unit.gate_bias
        r, i = (g.sigmoid().flatten(1) for g in gates.chunk(2, dim=-1))
        a = (-8 * (1 + unit.rate.exp()).log() * r).exp()
        h = a * h + (1 - a.square()).sqrt() * i * y
        gelu = left * 0.5 * (1 + torch.erf(left / math.sqrt(2)))
        yield unit.out(gelu * h)


def hgrn(unit: GAUBase, X: Tensor) -> Iterator[Tensor]:
    D, low = unit.embed_dim, unit.block_loc[0] / unit.block_loc[1]
    h, turning = 0.0, torch.complex(unit.phase.cos(), unit.phase.sin())
    for x in X.unbind(1):
        f, c, gate = unit.parts(x).split([D // 2, D, D], dim=-1)
        f, c = low + (1 - low) * f.sigmoid(), silu(c)
        h = f * turning * h + (1 - f) * torch.complex(*c.chunk(2, dim=-1))
        y = rms(torch.cat((h.real, h.imag), dim=-1)) * unit.norm_scale
        yield unit.out(y * silu(gate))


def gate_loop(unit: GAUBase, X: Tensor) -> Iterator[Tensor]:
    h = 0.0
    for x in X.unbind(1):
        q, k, v, gate = unit.parts(x).chunk(4, dim=-1)
        fade, angle = unit.loop(x).chunk(2, dim=-1)
        h = fade.sigmoid() * torch.complex(angle.cos(), angle.sin()) * h + k * v
        yield unit.out(rms(q * h.real) * silu(gate))


def rwkv4_time_mix(unit: GAUBase, X: Tensor) -> Iterator[Tensor]:
    a = b = before = torch.zeros_like(X[:, 0])
    for x in X.unbind(1):

        def stream(shift, linear, x=x, before=before):
            return linear(shift.present * x + (1 - shift.present) * before)

        r = stream(unit.shift_receptance, unit.receptance)
        k, v = stream(unit.shift_key, unit.key), stream(unit.shift_value, unit.value)
        now = (unit.bonus + k).exp()
        yield unit.out(r.sigmoid() * (a + now * v) / (b + now))
        fade = (-unit.log_rate.exp()).exp()
        a, b, before = fade * a + k.exp() * v, fade * b + k.exp(), x


def attention_free(unit: GAUBase, X: Tensor) -> Iterator[Tensor]:
    a = b = 0.0
    for x in X.unbind(1):
        q, k, v = unit.qkv(x).chunk(3, dim=-1)
        a, b = a + k.exp() * v, b + k.exp()
        yield unit.out(q.sigmoid() * a / b)


RECURRENCES = {
    "SLSTM": s_lstm,
    "MinGRU": min_gru,
    "MinLSTM": min_lstm,
    "RGLRU": rg_lru,
    "HGRN": hgrn,
    "GateLoop": gate_loop,
    "RWKV4TimeMix": rwkv4_time_mix,
    "AttentionFree": attention_free,
}


@pytest.mark.parametrize("name", RECURRENCES)
def test_unit_is_its_recurrence(name):
    check(make_unit(name, 48, head_dim=16), RECURRENCES[name])


@pytest.mark.parametrize("name", RECURRENCES)
def test_unit_is_its_recurrence_with_one_head_and_steep_gates(name):
    check(make_unit(name, 16, moved=1.5, head_dim=16), RECURRENCES[name])
