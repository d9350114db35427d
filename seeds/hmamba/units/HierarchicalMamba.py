# GAU_IMPLEMENTATION_FILE
import torch

from genesys.gau import GAUBase, UnitDecl, gau_test


class HierarchicalMamba(GAUBase):
    """Two pre-norm layers of hierarchical state spaces, each with a residual.

    One layer weighs about 6 D^2: two of them match attention plus MLP.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: the design HierarchicalMamba of the Genesys paper, sec. 5.3 and fig. 55.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.norm1 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.layer1 = HierarchicalMambaLayer(**common, **self.factory_kwargs, **kwarg_all)
        self.norm2 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.layer2 = HierarchicalMambaLayer(**common, **self.factory_kwargs, **kwarg_all)

    def _forward(self, X, **Z):
        normed, Z = self.norm1(X, **Z)
        mixed, Z = self.layer1(normed, **Z)
        X = X + mixed
        normed, Z = self.norm2(X, **Z)
        mixed, Z = self.layer2(normed, **Z)
        return X + mixed, Z


@gau_test
def test_hierarchicalmamba_keeps_the_residual(device=None, dtype=None) -> None:
    block = HierarchicalMamba(
        embed_dim=64, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype
    )
    for child in (block.layer1, block.layer2):
        child.forward = lambda X, **Z: (torch.zeros_like(X), Z)
    X = torch.randn(2, 9, 64, device=device, dtype=dtype)
    assert torch.equal(block(X)[0], X)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="RMSNorm",
        requirements="Normalise each position.",
        inputs=["X"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="HierarchicalMambaLayer",
        requirements="Mix positions causally with selective state spaces at two paces.",
        inputs=["X"],
        outputs=["Y"],
    ),
]
