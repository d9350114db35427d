# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class GatedMLP(GAUBase):
    """Feed-forward layer whose hidden channels are gated by a SiLU branch.

    The hidden width is 8/3 D, rounded to a multiple of 16, so that the three matrices weigh
    as much as the two of a plain layer of width 4 D.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Shazeer 2020, arXiv 2002.05202.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        hidden = max(16, 16 * round(embed_dim / 6))
        self.up = nn.Linear(embed_dim, 2 * hidden, bias=False, **self.factory_kwargs)
        self.down = nn.Linear(hidden, embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, **Z):
        value, gate = self.up(X).chunk(2, dim=-1)
        return self.down(value * functional.silu(gate))


@gau_test
def test_gatedmlp_acts_on_each_position_alone(device=None, dtype=None) -> None:
    mlp = GatedMLP(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 6, 32, device=device, dtype=dtype)
    assert torch.allclose(mlp(X)[0].flip(1), mlp(X.flip(1))[0], atol=1e-2)


@gau_test
def test_gatedmlp_closed_gate(device=None, dtype=None) -> None:
    mlp = GatedMLP(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    Y, _ = mlp(torch.zeros(1, 3, 32, device=device, dtype=dtype))
    assert torch.equal(Y, torch.zeros_like(Y))


CHILDREN_DECLARATIONS = []
