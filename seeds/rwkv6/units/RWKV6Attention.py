# GAU_IMPLEMENTATION_FILE
import math

import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test

# A channel keeps at least exp(-5) of its state per position. Less would not change what is
# learned, and the factors exp(+-40) of a chunk of 16 stay far from float32's limit of exp(88).
RWKV6_FASTEST_LOG_DECAY = 5.0


def rwkv6_head_dim(embed_dim, at_most):
    """Largest divisor of ``embed_dim`` not above ``at_most``."""
    return next(d for d in range(at_most, 0, -1) if embed_dim % d == 0)


def rwkv6_states(decay, added):
    """State before each chunk, from each chunk's decay (B, H, n, N, 1) and sum (B, H, n, N, P)."""
    state = torch.zeros_like(added[:, :, 0])
    before = []
    for keep, new in zip(decay.unbind(2), added.unbind(2), strict=True):
        before.append(state)
        state = torch.addcmul(new, keep, state)
    return torch.stack(before, dim=2)


def rwkv6_chunkwise(r, k, v, log_w, bonus, chunk):
    """The WKV recurrence with a decay per channel, chunk by chunk.

    With the state S (N, P) of a head, for each position t:
    ``o_t = (S_{t-1} + (u * k_t) v_t^T)^T r_t`` and ``S_t = diag(w_t) S_{t-1} + k_t v_t^T``.

    Args:
        r: Receptances (B, H, L, N), like k and log_w.
        k: Keys.
        v: Values (B, H, L, P).
        log_w: Logarithm of the decays, from -5 to 0.
        bonus: u, the weight of the present, (H, 1, N).
        chunk: C, positions handled by one matrix; at most 16, see above.

    Returns:
        o of shape (B, H, L, P).
    """
    length = r.shape[2]
    chunk = min(chunk, length)
    present = (r * bonus * k).sum(-1, keepdim=True) * v
    padding = (0, 0, 0, -length % chunk)
    r, k, v, log_w = (
        functional.pad(x, padding).unflatten(2, (-1, chunk)) for x in (r, k, v, log_w)
    )
    total = log_w.cumsum(-2)
    last = total[..., -1:, :]
    # Decays relative to the chunk's middle: the product of two factors is the decay between
    # two positions, and neither factor can overflow. The middle cancels out, so it is detached,
    # or rounding errors would pass as gradients from later positions.
    middle = (last / 2).detach()
    r = r * (total - log_w - middle).exp()
    k = k * (middle - total).exp()
    within = (r @ k.mT).tril(-1) @ v
    added = (last - middle).exp().mT * (k.mT @ v)  # (B, H, n, N, P)
    before = rwkv6_states(last.exp().mT, added)
    out = within + r @ (middle.exp().mT * before)
    return out.flatten(2, 3)[:, :, :length] + present


class RWKV6Attention(GAUBase):
    """Time mix: a matrix-valued state per head whose channels decay as the data say.

    Receptance, key, value, gate and decay each read their own data-dependent mix of a
    position and the one before it. Each head's output is normalised and gated.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest divisor of D below it is taken.
    Source: Peng et al. 2024, arXiv 2404.05892, section 4.1.
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        head_dim=32,
        rwkv6_chunk=16,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.heads = embed_dim // rwkv6_head_dim(embed_dim, head_dim)
        self.chunk = rwkv6_chunk
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        rank = max(8, embed_dim // 16)
        args = {**kwarg_all, **common, **self.factory_kwargs, "mix_rank": rank}
        self.receptance = DDLerpLinear(**{**args, "out_rank": None})
        self.key = DDLerpLinear(**{**args, "out_rank": None})
        self.value = DDLerpLinear(**{**args, "out_rank": None})
        self.gate = DDLerpLinear(**{**args, "out_rank": None})
        self.decay = DDLerpLinear(**{**args, "out_rank": 2 * rank})
        self.base_mix = nn.Parameter(torch.full((embed_dim,), 0.5, **self.factory_kwargs))
        self.decay_bias = nn.Parameter(torch.empty(embed_dim, **self.factory_kwargs))
        self.bonus = nn.Parameter(torch.full((embed_dim,), 0.5, **self.factory_kwargs))
        self.norm_scale = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self):
        """Memories from 400 positions (first channel of a head) down to 3 (last channel)."""
        depth = self.block_loc[0] / max(1, self.block_loc[1] - 1)
        share = torch.linspace(0, 1, self.embed_dim // self.heads)
        self.decay_bias.copy_((5 * share ** (0.7 + 1.3 * depth) - 6).repeat(self.heads))

    def _forward(self, X, **Z):
        wide = torch.promote_types(X.dtype, torch.float32)
        delta = functional.pad(X, (0, 0, 1, -1)) - X
        Z = {**Z, "delta": delta, "base": torch.addcmul(X, delta, self.base_mix)}
        r, k, v, decay = (
            unit(X, **Z)[0].to(wide) for unit in (self.receptance, self.key, self.value, self.decay)
        )
        decay = (decay + self.decay_bias).clamp(max=math.log(RWKV6_FASTEST_LOG_DECAY))
        heads = (x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in (r, k, v, -decay.exp()))
        bonus = self.bonus.to(wide).view(self.heads, 1, -1)
        Y = rwkv6_chunkwise(*heads, bonus, self.chunk)
        Y = functional.layer_norm(Y, Y.shape[-1:]).transpose(1, 2).flatten(-2)
        Y = (Y * self.norm_scale).to(X.dtype)
        return self.out(Y * functional.silu(self.gate(X, **Z)[0]))


@gau_test
def test_rwkv6_bonus_weighs_the_present_only(device=None, dtype=None) -> None:
    one = torch.ones(1, 1, 40, 1)
    out = rwkv6_chunkwise(one, one, one, torch.zeros_like(one), torch.full((1, 1, 1), 0.5), 16)
    assert torch.allclose(out[0, 0, :, 0], torch.arange(40) + 0.5)


@gau_test
def test_rwkv6_fastest_decay_does_not_overflow(device=None, dtype=None) -> None:
    r, k, v = 100 * torch.randn(3, 2, 3, 50, 8)
    log_w = torch.full_like(r, -RWKV6_FASTEST_LOG_DECAY)
    out = rwkv6_chunkwise(r, k, v, log_w, torch.zeros(3, 1, 8), 16)
    one_back = (r[:, :, 1:] * k[:, :, :-1]).sum(-1, keepdim=True) * v[:, :, :-1]
    assert torch.isfinite(out).all()
    assert torch.equal(out[:, :, 0], torch.zeros_like(out[:, :, 0]))
    assert (out[:, :, 1:] - one_back).abs().max() < 0.1 * one_back.abs().max()


@gau_test
def test_rwkv6attention_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = RWKV6Attention(embed_dim=48, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 40, 48, device=device, dtype=dtype)
    changed = torch.cat((X[:, :33], torch.randn_like(X[:, 33:])), dim=1)
    before, after = unit(X)[0], unit(changed)[0]
    assert torch.allclose(before[:, :33], after[:, :33], atol=1e-5)
    assert not torch.allclose(before[:, 33:], after[:, 33:], atol=1e-3)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="DDLerpLinear",
        requirements="Mix each position with the one before it, as base says, and map it.",
        inputs=["X", "delta", "base"],
        outputs=["Y"],
    )
]
