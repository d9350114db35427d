# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


class S4D(GAUBase):
    """State space layer: a linear memory of each channel, then a gated linear map.

    ``Y = v * sigmoid(g)`` with v and g linear in ``gelu(SSM(X))``.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Gu et al. 2022, arXiv 2206.11893 [s4d].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.memory = DiagonalStateSpace(**common, **self.factory_kwargs, **kwarg_all)
        self.out = nn.Linear(embed_dim, 2 * embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, **Z):
        Y, _ = self.memory(X, **Z)
        value, gate = self.out(functional.gelu(Y)).chunk(2, dim=-1)
        return value * gate.sigmoid()


@gau_test
def test_s4d_remembers(device=None, dtype=None) -> None:
    unit = S4D(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 40, 32, device=device, dtype=dtype)
    changed = torch.cat((10 * torch.ones_like(X[:, :1]), X[:, 1:]), dim=1)
    assert not torch.allclose(unit(X)[0][:, -1], unit(changed)[0][:, -1], atol=1e-4)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="DiagonalStateSpace",
        requirements="Run a linear state space over each channel by itself.",
        inputs=["X"],
        outputs=["Y"],
    )
]
