# GAU_IMPLEMENTATION_FILE
import math

import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


def rwkv7_head_dim(embed_dim, at_most):
    """Largest divisor of ``embed_dim`` not above ``at_most``."""
    return next(d for d in range(at_most, 0, -1) if embed_dim % d == 0)


class RWKV7TimeMix(GAUBase):
    """Time mix under a generalised delta rule, with rates that the data set for each channel.

    ``S_t = (diag(w_t) - (a_t * c_t) c_t^T) S_{t-1} + k_t v_t^T`` and ``y_t = S_t^T r_t +
    (r_t . (u * k_t)) v_t``. c is the key of what is removed, of unit length; a the rate at which
    it is; ``w = exp(-sigmoid(d) / sqrt(e))``. Each part reads a position mixed with the one
    before it. Blocks after the first move v towards that of the first, which lies in Z as
    ``rwkv7_value``. Each head's output is normalised and gated.

    Inputs: X (B, L, D); rwkv7_value (B, L, D), if a block before gave it.
    Outputs: Y (B, L, D); rwkv7_value (B, L, D) from the first block.
    ``head_dim`` is an upper bound; the largest divisor of D below it is taken.
    Source: Peng et al. 2025, arXiv 2503.14456, section 4.
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, head_dim=32, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.heads = embed_dim // rwkv7_head_dim(embed_dim, head_dim)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        args = {**kwarg_all, **common, **self.factory_kwargs}
        rank = max(8, embed_dim // 16)
        self.mix = nn.Parameter(torch.empty(6, 1, embed_dim, **self.factory_kwargs))
        self.receptance = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.key = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.value = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.decay = LowRankMap(**{**args, "rank": rank, "squash": "tanh"})
        self.rate = LowRankMap(**{**args, "rank": rank, "squash": "none"})
        self.gate = LowRankMap(**{**args, "rank": 2 * rank, "squash": "sigmoid"})
        self.decay_bias = nn.Parameter(torch.empty(embed_dim, **self.factory_kwargs))
        self.rate_bias = nn.Parameter(torch.zeros(embed_dim, **self.factory_kwargs))
        if block_loc[0] > 0:
            self.share = LowRankMap(**{**args, "rank": rank, "squash": "none"})
            self.share_bias = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))
        self.look_scale = nn.Parameter(torch.full((embed_dim,), 0.85, **self.factory_kwargs))
        self.key_scale = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))
        self.bonus = nn.Parameter(torch.full((embed_dim,), 0.1, **self.factory_kwargs))
        self.norm_scale = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))
        self.memory = RWKV7Memory(**args)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self):
        """Memories from 1,000 positions (first channel of a head) to 9 (last); open gates."""
        depth = self.block_loc[0] / max(1, self.block_loc[1])
        # Later blocks look back less, as in the published initialisation.
        self.mix.copy_(torch.linspace(1, 0, self.embed_dim) ** (1 - depth))
        share = torch.linspace(0, 1, self.embed_dim // self.heads)
        self.decay_bias.copy_((5 * share ** (0.85 + depth**0.5) - 6.5).repeat(self.heads))
        nn.init.normal_(self.gate.up.weight, std=2 * self.gate.up.in_features**-0.5)

    def shared(self, v, mixed, rwkv7_value, Z):
        """Values v (B, L, D) moved towards the first block's by amounts that ``mixed`` sets."""
        if self.block_loc[0] == 0 or rwkv7_value is None:
            return v
        share = (self.share(mixed, **Z)[0] + self.share_bias).sigmoid()
        return torch.addcmul(v, share, rwkv7_value - v)

    def split(self, *parts):
        """Each part (B, L, D) as heads (B, H, L, d)."""
        return (x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in parts)

    def _forward(self, X, rwkv7_value=None, **Z):
        wide = torch.promote_types(X.dtype, torch.float32)
        delta = functional.pad(X, (0, 0, 1, -1)) - X
        read_r, read_k, read_v, read_d, read_a, read_g = (
            torch.addcmul(X, delta, mix) for mix in self.mix
        )
        r, k = self.receptance(read_r).to(wide), self.key(read_k).to(wide)
        value = self.value(read_v)
        v = self.shared(value, read_v, rwkv7_value, Z).to(wide)
        decay = (self.decay(read_d, **Z)[0] + self.decay_bias).to(wide).sigmoid()
        a = (self.rate(read_a, **Z)[0] + self.rate_bias).to(wide).sigmoid()
        (look,) = self.split(k * self.look_scale)
        k = k * (1 + (a - 1) * self.key_scale)
        r, k, v, a, log_decay, bonus = self.split(
            r, k, v, a, -math.exp(-0.5) * decay, self.bonus.to(wide).expand_as(k)
        )
        look = functional.normalize(look, dim=-1, eps=1e-6)
        state = {"r": r, "k": k, "v": v, "log_decay": log_decay, "look": look, "rate": a}
        read = self.memory(X, **{**Z, **state})[1]["read"]
        Y = functional.layer_norm(read, read.shape[-1:])
        Y = Y.transpose(1, 2).flatten(-2) * self.norm_scale
        present = (r * bonus * k).sum(-1, keepdim=True) * v
        Y = (Y + present.transpose(1, 2).flatten(-2)).to(X.dtype)
        Y = self.out(Y * self.gate(read_g, **Z)[0])
        return (Y, {"rwkv7_value": value}) if self.block_loc[0] == 0 else Y


@gau_test
def test_rwkv7timemix_values_come_from_the_first_block(device=None, dtype=None) -> None:
    args = {"embed_dim": 32, "kwarg_all": {}, "device": device, "dtype": dtype}
    first, later = (RWKV7TimeMix(block_loc=(block, 2), **args) for block in (0, 1))
    X = torch.randn(1, 40, 32, device=device, dtype=dtype)
    _, Z = first(X)
    assert Z["rwkv7_value"].shape == X.shape
    nn.init.constant_(later.share_bias, 100.0)
    nn.init.zeros_(later.value.weight)
    assert later(X, **Z)[0].abs().max() > 1e-3
    assert not later(X)[0].any()


@gau_test
def test_rwkv7timemix_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = RWKV7TimeMix(embed_dim=48, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 80, 48, device=device, dtype=dtype)
    changed = torch.cat((X[:, :66], torch.randn_like(X[:, 66:])), dim=1)
    before, after = unit(X)[0], unit(changed)[0]
    assert torch.allclose(before[:, :66], after[:, :66], atol=1e-5)
    assert not torch.allclose(before[:, 66:], after[:, 66:], atol=1e-3)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="LowRankMap",
        requirements="Cheap map of each position through rank channels, squashed as asked.",
        inputs=["X"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="RWKV7Memory",
        requirements="Memory of each head: fade it, take out what it holds under look, add k v^T.",
        inputs=["X", "r", "k", "v", "log_decay", "look", "rate"],
        outputs=["Y", "read"],
    ),
]
