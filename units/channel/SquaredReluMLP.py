# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class SquaredReluMLP(GAUBase):
    """Feed-forward layer ``relu(X U) ** 2 W``.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``mlp_expand`` is the hidden width in D.
    Source: So et al. 2021, arXiv 2109.08668.
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, mlp_expand=4, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        hidden = mlp_expand * embed_dim
        self.up = nn.Linear(embed_dim, hidden, bias=False, **self.factory_kwargs)
        self.down = nn.Linear(hidden, embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, **Z):
        return self.down(functional.relu(self.up(X)).square())


@gau_test
def test_squaredrelumlp_grows_with_the_square(device=None, dtype=None) -> None:
    mlp = SquaredReluMLP(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 6, 32, device=device, dtype=dtype)
    assert torch.allclose(mlp(2 * X)[0], 4 * mlp(X)[0], rtol=3e-2, atol=1e-3)


CHILDREN_DECLARATIONS = []
