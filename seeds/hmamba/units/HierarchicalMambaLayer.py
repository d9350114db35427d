# GAU_IMPLEMENTATION_FILE
import math

import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


def hmamba_head_dim(width, at_most):
    """Largest divisor of ``width`` not above ``at_most``."""
    return next(d for d in range(at_most, 0, -1) if width % d == 0)


def hmamba_short_conv(x, weight, bias):
    """Causal depthwise convolution of x (B, L, E) with weight (K, E), bias (E,)."""
    # A sum of K shifted products: on CPU faster than a grouped conv1d.
    length, taps = x.shape[1], weight.shape[0]
    padded = functional.pad(x, (0, 0, taps - 1, 0))
    y = bias
    for i in range(taps):
        y = torch.addcmul(y, padded[:, i : i + length], weight[i])
    return y


def hmamba_ends(x, stride):
    """Ends of the whole strides of x (B, L, E), behind a row of zeros: (B, L // stride + 1, E)."""
    return functional.pad(x[:, stride - 1 :: stride], (0, 0, 1, 0))


def hmamba_hold(y, stride, length):
    """Row j of y (B, n, E) from the end of stride j on, until the next ends: (B, L, E)."""
    return y.repeat_interleave(stride, dim=1)[:, 1 : 1 + length]


class HierarchicalMambaLayer(GAUBase):
    """Selective state spaces in two levels, with a short convolution and a gated norm.

    The lower level is that of Mamba2. The upper one reads what the lower gives at the end of every
    ``stride`` positions, runs at that pace, and its output is added until the next: its memory of
    the same number of steps is ``stride`` times as long. Steps and directions of the upper level
    are maps of what it reads.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest divisor of 7/4 D below it is taken.
    Source: Dao and Gu 2024, arXiv 2405.21060, for a level; Bhirangi et al. 2024,
    arXiv 2402.10211, for levels of different pace.
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        head_dim=32,
        state_dim=16,
        conv_taps=4,
        stride=4,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        # Both levels together then weigh what a layer of Mamba2 with 2 D does.
        inner = 7 * embed_dim // 4
        heads = inner // hmamba_head_dim(inner, head_dim)
        mixed = inner + 2 * state_dim
        self.stride = stride
        self.sizes = [inner, mixed, heads]
        self.mixed_sizes = [inner, state_dim, state_dim]
        self.upper_sizes = [state_dim, state_dim, heads]
        self.in_proj = nn.Linear(embed_dim, sum(self.sizes), bias=False, **self.factory_kwargs)
        self.upper = nn.Linear(inner, sum(self.upper_sizes), bias=False, **self.factory_kwargs)
        self.conv_weight = nn.Parameter(torch.empty(conv_taps, mixed, **self.factory_kwargs))
        self.conv_bias = nn.Parameter(torch.empty(mixed, **self.factory_kwargs))
        self.A_log = nn.Parameter(torch.empty(2, heads, **self.factory_kwargs))
        self.dt_bias = nn.Parameter(torch.empty(2, heads, **self.factory_kwargs))
        self.skip = nn.Parameter(torch.ones(heads, **self.factory_kwargs))
        common = {"embed_dim": inner, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.ssd = SSDMinimalDiscrete(**common, **self.factory_kwargs, **kwarg_all)
        self.norm = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.out_proj = nn.Linear(inner, embed_dim, bias=False, **self.factory_kwargs)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self):
        """Decay rates spread over 1 to 16, step sizes over 1e-3 to 1e-1 (log-uniform)."""
        bound = 1 / math.sqrt(self.conv_weight.shape[0])
        nn.init.uniform_(self.conv_weight, -bound, bound)
        nn.init.uniform_(self.conv_bias, -bound, bound)
        self.A_log.copy_(torch.empty_like(self.A_log).uniform_(1, 16).log())
        log_dt = torch.empty_like(self.dt_bias).uniform_(math.log(1e-3), math.log(1e-1))
        # The inverse of softplus.
        self.dt_bias.copy_(log_dt.exp().expm1().log())

    def level(self, place, x, B, C, dt, Z):
        """State space of one level over the values x (B, T, E)."""
        # Rates and steps multiply up over the sequence: half precision would not do.
        wide = torch.promote_types(x.dtype, torch.float32)
        dt = functional.softplus(dt.to(wide) + self.dt_bias[place])
        state = {"A": -self.A_log[place].to(wide).exp(), "B": B, "C": C, "dt": dt}
        return self.ssd(x, **{**Z, **state})[0]

    def _forward(self, X, **Z):
        gate, mixed, dt = self.in_proj(X).split(self.sizes, dim=-1)
        mixed = functional.silu(hmamba_short_conv(mixed, self.conv_weight, self.conv_bias))
        x, B, C = mixed.split(self.mixed_sizes, dim=-1)
        Y = self.level(0, x, B, C, dt, Z)
        Y = torch.addcmul(Y, x, self.skip.repeat_interleave(x.shape[-1] // self.skip.shape[0]))
        read = hmamba_ends(Y, self.stride)
        slow = self.level(1, read, *self.upper(read).split(self.upper_sizes, dim=-1), Z)
        Y = Y + hmamba_hold(slow, self.stride, X.shape[1])
        Y, _ = self.norm(Y * functional.silu(gate), **Z)
        return self.out_proj(Y)


@gau_test
def test_hierarchicalmambalayer_holds_only_what_has_ended(device=None, dtype=None) -> None:
    x = torch.arange(1.0, 12.0)[None, :, None]
    held = hmamba_hold(hmamba_ends(x, 4), 4, 11)
    assert held.flatten().tolist() == [0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8]


@gau_test
def test_hierarchicalmambalayer_does_not_look_ahead(device=None, dtype=None) -> None:
    layer = HierarchicalMambaLayer(48, (0, 1), {}, device=device, dtype=dtype)
    X = torch.randn(1, 40, 48, device=device, dtype=dtype)
    changed = torch.cat((X[:, :33], torch.randn_like(X[:, 33:])), dim=1)
    before, after = layer(X)[0], layer(changed)[0]
    assert torch.allclose(before[:, :33], after[:, :33], atol=1e-5)
    assert not torch.allclose(before[:, 33:], after[:, 33:], atol=1e-3)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="SSDMinimalDiscrete",
        requirements="Run the state space of each head over the values X.",
        inputs=["X", "A", "B", "C", "dt"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="RMSNorm",
        requirements="Normalise each position of the gated values.",
        inputs=["X"],
        outputs=["Y"],
    ),
]
