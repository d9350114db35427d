# GAU_IMPLEMENTATION_FILE
import math

import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


class Mamba(GAUBase):
    """Selective state space: step, input and output directions depend on the position.

    Each inner channel e has N states: ``h_t = exp(d_t a) h_{t-1} + d_t b_t x_t`` and
    ``y_t = c_t . h_t + skip x_t``, with d, b and c linear in x, which comes from a short
    convolution; y is gated and mapped back.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``selective_states`` is N; there are 2 D inner channels.
    Source: Gu and Dao 2023, arXiv 2312.00752 [mamba].
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        selective_states=8,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        inner, rank = 2 * embed_dim, max(1, embed_dim // 16)
        self.sizes = [rank, selective_states, selective_states]
        self.in_proj = nn.Linear(embed_dim, 2 * inner, bias=False, **self.factory_kwargs)
        self.select = nn.Linear(inner, sum(self.sizes), bias=False, **self.factory_kwargs)
        self.step = nn.Linear(rank, inner, **self.factory_kwargs)
        self.log_rate = nn.Parameter(torch.empty(inner, selective_states, **self.factory_kwargs))
        self.skip = nn.Parameter(torch.ones(inner, **self.factory_kwargs))
        self.out_proj = nn.Linear(inner, embed_dim, bias=False, **self.factory_kwargs)
        common = {"embed_dim": inner, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.convolution = ShortConvolution(**common, **self.factory_kwargs, **kwarg_all)
        self.scan = LinearScan(**common, **self.factory_kwargs, **kwarg_all)
        with torch.no_grad():
            self.log_rate.copy_(torch.arange(1, selective_states + 1).log().expand(inner, -1))
            log_step = torch.empty(inner).uniform_(math.log(1e-3), math.log(1e-1))
            # The inverse of softplus.
            self.step.bias.copy_(log_step.exp().expm1().log())

    def _forward(self, X, **Z):
        x, gate = self.in_proj(X).chunk(2, dim=-1)
        x = functional.silu(self.convolution(x, **Z)[0])
        step, b, c = self.select(x).split(self.sizes, dim=-1)
        # Rates and steps multiply up over the sequence: half precision would not do.
        wide = torch.promote_types(X.dtype, torch.float32)
        step = functional.softplus(self.step(step).to(wide)).unsqueeze(-1)
        decay = (-step * self.log_rate.to(wide).exp()).exp()
        added = step * b.to(wide).unsqueeze(2) * x.to(wide).unsqueeze(-1)
        _, Z = self.scan(x, **{**Z, "decay": decay, "added": added})  # (B, L, E, N)
        Y = (Z["states"] @ c.to(wide).unsqueeze(-1)).squeeze(-1).to(x.dtype)
        return self.out_proj((Y + self.skip * x) * functional.silu(gate))


@gau_test
def test_mamba_long_steps_forget(device=None, dtype=None) -> None:
    unit = Mamba(embed_dim=16, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    nn.init.constant_(unit.step.bias, 100.0)
    X = torch.randn(1, 20, 16, device=device, dtype=dtype)
    changed = torch.cat((torch.randn_like(X[:, :1]), X[:, 1:]), dim=1)
    assert torch.allclose(unit(X)[0][:, 4:], unit(changed)[0][:, 4:], atol=1e-3)


@gau_test
def test_mamba_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = Mamba(embed_dim=16, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 40, 16, device=device, dtype=dtype)
    changed = torch.cat((X[:, :33], torch.randn_like(X[:, 33:])), dim=1)
    before, after = unit(X)[0], unit(changed)[0]
    assert torch.allclose(before[:, :33], after[:, :33], atol=1e-5)
    assert not torch.allclose(before[:, 33:], after[:, 33:], atol=1e-3)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="ShortConvolution",
        requirements="Mix each position with the few before it.",
        inputs=["X"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="LinearScan",
        requirements="Give the states of h_t = decay_t h_{t-1} + added_t.",
        inputs=["X", "decay", "added"],
        outputs=["Y", "states"],
    ),
]
