# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


class GatedStateSpace(GAUBase):
    """State space of a narrow projection, widened and gated by a wide one.

    ``Y = W (gelu(G x) * (U SSM(gelu(V x))))``: the state space runs over D / 4 channels, the gate
    has 2 D.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Mehta et al. 2022, arXiv 2206.13947 [gssm].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        few, many = embed_dim // 4, 2 * embed_dim
        self.narrow = nn.Linear(embed_dim, few, bias=False, **self.factory_kwargs)
        self.gate = nn.Linear(embed_dim, many, bias=False, **self.factory_kwargs)
        common = {"embed_dim": few, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.memory = DiagonalStateSpace(**common, **self.factory_kwargs, **kwarg_all)
        self.widen = nn.Linear(few, many, bias=False, **self.factory_kwargs)
        self.out = nn.Linear(many, embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, **Z):
        memory, _ = self.memory(functional.gelu(self.narrow(X)), **Z)
        return self.out(functional.gelu(self.gate(X)) * self.widen(memory))


@gau_test
def test_gatedstatespace_closed_gate(device=None, dtype=None) -> None:
    unit = GatedStateSpace(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    nn.init.zeros_(unit.gate.weight)
    Y, _ = unit(torch.randn(2, 9, 32, device=device, dtype=dtype))
    assert torch.equal(Y, torch.zeros_like(Y))


@gau_test
def test_gatedstatespace_remembers(device=None, dtype=None) -> None:
    unit = GatedStateSpace(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 40, 32, device=device, dtype=dtype)
    changed = torch.cat((100 * torch.ones_like(X[:, :1]), X[:, 1:]), dim=1)
    assert not torch.allclose(unit(X)[0][:, -1], unit(changed)[0][:, -1], atol=1e-4)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="DiagonalStateSpace",
        requirements="Run a linear state space over each channel by itself.",
        inputs=["X"],
        outputs=["Y"],
    )
]
