# GAU_IMPLEMENTATION_FILE
import math

import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


def mamba2_head_dim(width, at_most):
    """Largest divisor of ``width`` not above ``at_most``."""
    return next(d for d in range(at_most, 0, -1) if width % d == 0)


def mamba2_short_conv(x, weight, bias):
    """Causal depthwise convolution of x (B, L, E) with weight (K, E), bias (E,)."""
    # A sum of K shifted products: on CPU faster than a grouped conv1d.
    length, taps = x.shape[1], weight.shape[0]
    padded = functional.pad(x, (0, 0, taps - 1, 0))
    y = bias
    for i in range(taps):
        y = torch.addcmul(y, padded[:, i : i + length], weight[i])
    return y


class Mamba2Layer(GAUBase):
    """Selective state space layer with a short convolution and a gated norm.

    One projection gives the gate, the values, the state's input and output directions
    ("B" and "C", shared by all heads) and the step size "dt" of each head.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest divisor of ``expand * D`` below it is taken.
    Source: Dao and Gu 2024, arXiv 2405.21060.
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        expand=2,
        head_dim=32,
        state_dim=16,
        conv_taps=4,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        inner = expand * embed_dim
        heads = inner // mamba2_head_dim(inner, head_dim)
        mixed = inner + 2 * state_dim
        self.sizes = [inner, mixed, heads]
        self.mixed_sizes = [inner, state_dim, state_dim]
        self.in_proj = nn.Linear(embed_dim, sum(self.sizes), bias=False, **self.factory_kwargs)
        self.conv_weight = nn.Parameter(torch.empty(conv_taps, mixed, **self.factory_kwargs))
        self.conv_bias = nn.Parameter(torch.empty(mixed, **self.factory_kwargs))
        self.A_log = nn.Parameter(torch.empty(heads, **self.factory_kwargs))
        self.dt_bias = nn.Parameter(torch.empty(heads, **self.factory_kwargs))
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

    def _forward(self, X, **Z):
        gate, mixed, dt = self.in_proj(X).split(self.sizes, dim=-1)
        mixed = functional.silu(mamba2_short_conv(mixed, self.conv_weight, self.conv_bias))
        x, B, C = mixed.split(self.mixed_sizes, dim=-1)
        # Rates and steps multiply up over the sequence: half precision would not do.
        wide = torch.promote_types(X.dtype, torch.float32)
        dt = functional.softplus(dt.to(wide) + self.dt_bias)
        state = {"A": -self.A_log.to(wide).exp(), "B": B, "C": C, "dt": dt}
        Y, _ = self.ssd(x, **{**Z, **state})
        Y = torch.addcmul(Y, x, self.skip.repeat_interleave(x.shape[-1] // self.skip.shape[0]))
        Y, _ = self.norm(Y * functional.silu(gate), **Z)
        return self.out_proj(Y)


@gau_test
def test_mamba2layer_short_conv_is_causal(device=None, dtype=None) -> None:
    x = torch.zeros(1, 9, 2)
    x[0, 3] = 1.0
    y = mamba2_short_conv(x, torch.tensor([[4.0], [3.0], [2.0], [1.0]]), torch.zeros(2))
    assert y[0, :, 0].tolist() == [0, 0, 0, 1, 2, 3, 4, 0, 0]


@gau_test
def test_mamba2layer_does_not_look_ahead(device=None, dtype=None) -> None:
    layer = Mamba2Layer(embed_dim=48, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
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
