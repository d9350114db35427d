# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class RetNetMLP(GAUBase):
    """Feed-forward layer of two matrices with GELU between them.

    The hidden width is 2 D: retention, with values twice as wide as X, holds the other 8 D^2.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Sun et al. 2023, arXiv 2307.08621.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.up = nn.Linear(embed_dim, 2 * embed_dim, bias=False, **self.factory_kwargs)
        self.down = nn.Linear(2 * embed_dim, embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, **Z):
        return self.down(functional.gelu(self.up(X)))


@gau_test
def test_retnetmlp_acts_on_each_position_alone(device=None, dtype=None) -> None:
    mlp = RetNetMLP(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 6, 32, device=device, dtype=dtype)
    assert torch.allclose(mlp(X)[0].flip(1), mlp(X.flip(1))[0], atol=1e-2)


@gau_test
def test_retnetmlp_zero_input(device=None, dtype=None) -> None:
    mlp = RetNetMLP(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    Y, _ = mlp(torch.zeros(1, 3, 32, device=device, dtype=dtype))
    assert torch.equal(Y, torch.zeros_like(Y))


CHILDREN_DECLARATIONS = []
