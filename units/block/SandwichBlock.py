# GAU_IMPLEMENTATION_FILE
import torch

from genesys.gau import GAUBase, UnitDecl, gau_test


class SandwichBlock(GAUBase):
    """A norm before and behind each layer: ``X + N2(MHA(N1(X)))``, then the same with the MLP.

    What a layer adds has the scale of its second norm, however large its output.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Ding et al. 2021, arXiv 2105.13290.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.before1 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.mha = MHA(**common, **self.factory_kwargs, **kwarg_all)
        self.behind1 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.before2 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.mlp = SwiGluMLP(**common, **self.factory_kwargs, **kwarg_all)
        self.behind2 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)

    def _forward(self, X, **Z):
        mixed, Z = self.mha(self.before1(X, **Z)[0], **Z)
        X = X + self.behind1(mixed, **Z)[0]
        mapped, Z = self.mlp(self.before2(X, **Z)[0], **Z)
        return X + self.behind2(mapped, **Z)[0], Z


@gau_test
def test_sandwichblock_keeps_the_residual(device=None, dtype=None) -> None:
    block = SandwichBlock(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    for child in (block.mha, block.mlp):
        child.forward = lambda X, **Z: (torch.zeros_like(X), Z)
    X = torch.randn(2, 9, 32, device=device, dtype=dtype)
    assert torch.equal(block(X)[0], X)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="RMSNorm",
        requirements="Normalise each position.",
        inputs=["X"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="MHA",
        requirements="Mix positions causally.",
        inputs=["X"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="SwiGluMLP",
        requirements="Map each position by itself.",
        inputs=["X"],
        outputs=["Y"],
    ),
]
