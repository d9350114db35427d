# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class ReGluMLP(GAUBase):
    """Feed-forward layer ``(relu(X G) * (X U)) W`` of hidden width about 8/3 D.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Shazeer 2020, arXiv 2002.05202.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        hidden = max(16, 16 * round(embed_dim / 6))
        self.gate = nn.Linear(embed_dim, hidden, bias=False, **self.factory_kwargs)
        self.up = nn.Linear(embed_dim, hidden, bias=False, **self.factory_kwargs)
        self.down = nn.Linear(hidden, embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, **Z):
        return self.down(functional.relu(self.gate(X)) * self.up(X))


@gau_test
def test_reglumlp_acts_on_each_position_alone(device=None, dtype=None) -> None:
    mlp = ReGluMLP(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 6, 32, device=device, dtype=dtype)
    assert torch.allclose(mlp(X)[0].flip(1), mlp(X.flip(1))[0], atol=1e-2)


@gau_test
def test_reglumlp_shut_gates(device=None, dtype=None) -> None:
    mlp = ReGluMLP(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    nn.init.constant_(mlp.gate.weight, -1.0)
    Y, _ = mlp(torch.ones(1, 3, 32, device=device, dtype=dtype))
    assert torch.allclose(Y, torch.zeros_like(Y), atol=1e-5)


CHILDREN_DECLARATIONS = []
