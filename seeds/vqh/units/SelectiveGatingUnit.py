# GAU_IMPLEMENTATION_FILE
import math

import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


def gating_short_conv(x, weight):
    """Causal depthwise convolution of x (B, L, E) with weight (K, E); the last tap is now."""
    length, taps = x.shape[1], weight.shape[0]
    padded = functional.pad(x, (0, 0, taps - 1, 0))
    return sum(padded[:, i : i + length] * weight[i] for i in range(taps))


class SelectiveGatingUnit(GAUBase):
    """State of D channels; gates that depend on the data say how much of it is kept.

    ``h_t = s_t h_{t-1} + (1 - s_t) c_t`` with ``s_t = sigmoid(W_s x_t + b_s)`` and candidates
    c = silu(conv(W_c x)). Each 8 channels share a gate; the biases spread their
    memory from 1 to ``most_steps`` positions.

    Inputs: X (B, L, D). Outputs: Y (B, L, D), the states h.
    Source: the design VQH of the Genesys paper, app. G.2; the short convolution is that of Mamba,
    Gu and Dao 2023, arXiv 2312.00752.
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        most_steps=8,
        gating_taps=4,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.gate = nn.Linear(embed_dim, embed_dim // 8, **self.factory_kwargs)
        self.candidate = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.taps = nn.Parameter(torch.empty(gating_taps, embed_dim, **self.factory_kwargs))
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.scan = GatedScan(**common, **self.factory_kwargs, **kwarg_all)
        self.reset_parameters(most_steps)

    @torch.no_grad()
    def reset_parameters(self, most_steps):
        """Gates in the order of their memory, so that channels of a group remember alike."""
        bound = 1 / math.sqrt(self.taps.shape[0])
        nn.init.uniform_(self.taps, -bound, bound)
        steps = torch.linspace(0.1, math.log(most_steps), len(self.gate.bias)).exp()
        self.gate.bias.copy_((steps - 1).log())  # sigmoid gives 1 - 1 / steps

    def _forward(self, X, **Z):
        wide = torch.promote_types(X.dtype, torch.float32)
        gate = self.gate(X).to(wide).repeat_interleave(8, dim=-1)
        candidate = functional.silu(gating_short_conv(self.candidate(X), self.taps))
        # 1 - sigmoid(g) is sigmoid(-g).
        Y, _ = self.scan(candidate * gate.neg().sigmoid(), **{**Z, "keep": gate.sigmoid()})
        return Y


@gau_test
def test_selectivegatingunit_open_gate_keeps_the_present_only(device=None, dtype=None) -> None:
    unit = SelectiveGatingUnit(32, (0, 1), {}, device=device, dtype=dtype)
    unit.gate.bias.data.fill_(-100.0)
    X = torch.randn(2, 9, 32, device=device, dtype=dtype)
    expected = functional.silu(gating_short_conv(unit.candidate(X), unit.taps))
    assert torch.allclose(unit(X)[0], expected, atol=1e-2)


@gau_test
def test_selectivegatingunit_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = SelectiveGatingUnit(32, (0, 1), {}, device=device, dtype=dtype)
    X = torch.randn(1, 40, 32, device=device, dtype=dtype)
    changed = torch.cat((X[:, :33], torch.randn_like(X[:, 33:])), dim=1)
    before, after = unit(X)[0], unit(changed)[0]
    assert torch.allclose(before[:, :33], after[:, :33], atol=1e-5)
    assert not torch.allclose(before[:, 33:], after[:, 33:], atol=1e-3)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="GatedScan",
        requirements="Run h_t = keep_t h_{t-1} + X_t over the positions.",
        inputs=["X", "keep"],
        outputs=["Y"],
    )
]
