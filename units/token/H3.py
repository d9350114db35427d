# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, UnitDecl, gau_test


class H3(GAUBase):
    """Two state spaces between two gates: shifted keys meet values, queries pick from the sum.

    ``Y = W (q * SSM(shift(k) * v))``, with heads of one channel.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Dao et al. 2022, arXiv 2212.14052 [h3].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim, bias=False, **self.factory_kwargs)
        self.shift = ShortConvolution(**common, **self.factory_kwargs, **kwarg_all)
        self.memory = DiagonalStateSpace(**common, **self.factory_kwargs, **kwarg_all)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, **Z):
        q, k, v = self.qkv(X).chunk(3, dim=-1)
        shifted, _ = self.shift(k, **Z)
        remembered, _ = self.memory(shifted * v, **Z)
        return self.out(q * remembered)


@gau_test
def test_h3_closed_gate(device=None, dtype=None) -> None:
    unit = H3(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    nn.init.zeros_(unit.qkv.weight[:32])
    Y, _ = unit(torch.randn(2, 9, 32, device=device, dtype=dtype))
    assert torch.equal(Y, torch.zeros_like(Y))


@gau_test
def test_h3_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = H3(embed_dim=16, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 40, 16, device=device, dtype=dtype)
    changed = torch.cat((X[:, :33], torch.randn_like(X[:, 33:])), dim=1)
    before, after = unit(X)[0], unit(changed)[0]
    assert torch.allclose(before[:, :33], after[:, :33], rtol=1e-2, atol=1e-4)
    assert not torch.allclose(before[:, 33:], after[:, 33:], atol=1e-3)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="ShortConvolution",
        requirements="Mix each key with the few before it.",
        inputs=["X"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="DiagonalStateSpace",
        requirements="Run a linear state space over each channel by itself.",
        inputs=["X"],
        outputs=["Y"],
    ),
]
