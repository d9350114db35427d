"""The linear-time cores of the seeds, each beside the loop over positions that it replaces.

Both compute the same. The loops keep one state, take positions from ``unbind`` and put the outputs
together with ``stack``: indexing inside the loop would make their backward passes quadratic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

B, H, D = 4, 4, 32  # batch, heads, channels of a head
STATE = 16  # Mamba2's N


class Core(NamedTuple):
    """A core as the seed computes it and as a loop, both of the same tensors."""

    fast: Callable[..., Tensor]
    loop: Callable[..., Tensor]
    inputs: Callable[[int], list[Tensor]]


def loop_ssd(x: Tensor, A: Tensor, b: Tensor, c: Tensor, dt: Tensor) -> Tensor:
    """Of x (B, L, H * P), A (H,), b and c (B, L, N) and dt (B, L, H)."""
    x = x.unflatten(-1, (H, -1)) * dt[..., None]
    decay = (dt * A).exp()[..., None, None]
    S, out = x.new_zeros(len(x), H, b.shape[-1], x.shape[-1]), []
    for x_t, b_t, c_t, keep in zip(*(y.unbind(1) for y in (x, b, c, decay)), strict=True):
        S = keep * S + b_t[:, None, :, None] * x_t[:, :, None]
        out.append((c_t[:, None, None] @ S).squeeze(2))
    return torch.stack(out, dim=1).flatten(2)


def loop_retention(q: Tensor, k: Tensor, v: Tensor, log_gamma: Tensor) -> Tensor:
    """Of q, k and v (B, H, L, d) and log_gamma (H,)."""
    gamma = log_gamma.exp()[:, None, None]
    S, out = torch.zeros_like(k[:, :, 0, :, None] * v[:, :, 0, None]), []
    for q_t, k_t, v_t in zip(*(x.unbind(2) for x in (q, k, v)), strict=True):
        S = gamma * S + k_t[..., None] * v_t[..., None, :]
        out.append((q_t[..., None, :] @ S).squeeze(-2))
    return torch.stack(out, dim=2)


def loop_rwkv6(r: Tensor, k: Tensor, v: Tensor, log_w: Tensor, bonus: Tensor) -> Tensor:
    """Of r, k, v and log_w (B, H, L, N) and bonus (H, 1, N)."""
    S, out = torch.zeros_like(k[:, :, 0, :, None] * v[:, :, 0, None]), []
    for r_t, k_t, v_t, w_t in zip(*(x.unbind(2) for x in (r, k, v, log_w.exp())), strict=True):
        new = k_t[..., None] * v_t[..., None, :]
        out.append((r_t[..., None, :] @ (S + bonus.mT * new)).squeeze(-2))
        S = w_t[..., None] * S + new
    return torch.stack(out, dim=2)


def loop_ttt(
    q: Tensor, k: Tensor, v: Tensor, eta: Tensor, W: Tensor, b: Tensor, gamma: Tensor, beta: Tensor
) -> Tensor:
    """Of q, k, v (B, H, n, C, d) and eta (B, H, n, C, 1); slopes are those of the batch's start."""
    batch, out = q.shape[3], []
    q, k, v, eta = (x.flatten(2, 3).split(1, dim=2) for x in (q, k, v, eta))
    for t, (q_t, k_t, v_t, eta_t) in enumerate(zip(q, k, v, eta, strict=True)):
        if t % batch == 0:
            W_start, b_start = W, b
        slope = loss_slope(k_t @ W_start + b_start, v_t - k_t, gamma, beta)
        W = W - (eta_t * k_t).mT @ slope
        b = b - eta_t * slope
        z = functional.layer_norm(q_t @ W + b, q_t.shape[-1:], eps=1e-6)
        out.append(q_t + gamma * z + beta)
    return torch.cat(out, dim=2).unflatten(2, (-1, batch))


def loss_slope(Z: Tensor, target: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """Gradient by Z of ``|gamma * LN(Z) + beta - target|^2 / 2``."""
    centred = Z - Z.mean(-1, keepdim=True)
    scale = (centred.square().mean(-1, keepdim=True) + 1e-6).rsqrt()
    z = centred * scale
    g = gamma * (gamma * z + beta - target)
    return scale * (g - g.mean(-1, keepdim=True) - z * (g * z).mean(-1, keepdim=True))


def loop_gated(keep: Tensor, added: Tensor) -> Tensor:
    """Of keep and added (B, L, E)."""
    h, out = torch.zeros_like(added[:, 0]), []
    for keep_t, added_t in zip(keep.unbind(1), added.unbind(1), strict=True):
        h = torch.addcmul(added_t, keep_t, h)
        out.append(h)
    return torch.stack(out, dim=1)


def loop_streaming(q: Tensor, k: Tensor, v: Tensor, tile: int = 16, sinks: int = 4) -> Tensor:
    """Of q, k and v (B, L, e): attention over sinks and the latest positions."""
    out, q = [], q * q.shape[-1] ** -0.5
    keys, values = k.unbind(1), v.unbind(1)
    for t, q_t in enumerate(q.unbind(1)):
        kept = [*range(min(sinks, max(t - tile + 1, 0))), *range(max(t - tile + 1, 0), t + 1)]
        stock = torch.stack([keys[s] for s in kept], dim=1)
        share = (stock @ q_t[..., None]).softmax(1)
        out.append((share * torch.stack([values[s] for s in kept], dim=1)).sum(1))
    return torch.stack(out, dim=1)


def cores(module: Callable[[str], ModuleType]) -> Iterator[tuple[str, Core]]:
    """Each core by its name, given a seed's composed block as a module by the seed's name."""
    ssd = module("mamba2").SSDMinimalDiscrete(H * D, (0, 1), {})
    retention = module("retnet").MultiScaleRetention(H * D, (0, 1), {})
    rwkv6 = module("rwkv6").RWKV6Attention(H * D, (0, 1), {})
    ttt = module("ttt").TTTLinear(H * D, (0, 1), {})

    def ssd_inputs(length: int) -> list[Tensor]:
        b, c = torch.randn(2, B, length, STATE)
        dt = functional.softplus(torch.randn(B, length, H) - 3)
        return [torch.randn(B, length, H * D), -torch.rand(H) - 0.5, b, c, dt]

    def retention_inputs(length: int) -> list[Tensor]:
        return [*torch.randn(3, B, H, length, D), torch.log1p(-(2.0 ** (-5 - torch.arange(H))))]

    def rwkv6_inputs(length: int) -> list[Tensor]:
        r, k, v, decay = torch.randn(4, B, H, length, D)
        return [r, k, v, -(decay - 3).exp().clamp(max=5), torch.randn(H, 1, D)]

    def ttt_inputs(length: int) -> list[Tensor]:
        q, k, v = torch.randn(3, B, H, length // ttt.size[1], ttt.size[1], D)
        eta = torch.rand_like(q[..., :1]) / D
        return [q, k, v, eta, torch.randn(H, D, D) / D**0.5, *torch.randn(3, H, 1, D)]

    chunkwise, linear = module("retnet").retention_chunkwise, module("ttt").ttt_linear
    yield (
        "mamba2",
        Core(lambda x, A, b, c, dt: ssd(x, A=A, B=b, C=c, dt=dt)[0], loop_ssd, ssd_inputs),
    )
    yield (
        "retnet",
        Core(lambda *x: chunkwise(*x, retention.chunk), loop_retention, retention_inputs),
    )
    yield (
        "rwkv6",
        Core(lambda *x: module("rwkv6").rwkv6_chunkwise(*x, rwkv6.chunk), loop_rwkv6, rwkv6_inputs),
    )
    yield "ttt", Core(lambda *x: linear(*x[:4], x[4:6], x[6:]), loop_ttt, ttt_inputs)
    yield from discovered(module)


def discovered(module: Callable[[str], ModuleType]) -> Iterator[tuple[str, Core]]:
    """Cores that only the designs beside the seeds have."""
    mlp = module("srn").StreamRetNetMLP(H * D, (0, 1), {})

    def streaming(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        X = q.new_zeros(*q.shape[:2], H * D)
        found = mlp.cache(X, **mlp.tiles(X, q=q, k=k, v=v)[1])[1]
        return found["recalled"].flatten(1, 2)[:, : q.shape[1]]

    def gated_inputs(length: int) -> list[Tensor]:
        return [torch.rand(B, length, H * D), torch.randn(B, length, H * D)]

    def streaming_inputs(length: int) -> list[Tensor]:
        return [*torch.randn(3, B, length, D)]

    yield "srn", Core(streaming, loop_streaming, streaming_inputs)
    yield "vqh", Core(module("vqh").gated_scan, loop_gated, gated_inputs)
