# GAU_IMPLEMENTATION_FILE
import torch

from genesys.gau import GAUBase, UnitDecl, gau_test


class GeogateGPT(GAUBase):
    """Pre-norm block: geometric gated attention, then a gated MLP, each with a residual.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: the design Geogate-GPT of the Genesys paper, sec. 5.3 and fig. 54.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.norm1 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.mha = GeometricGatedMHA(**common, **self.factory_kwargs, **kwarg_all)
        self.norm2 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.mlp = GatedMLP(**common, **self.factory_kwargs, **kwarg_all)

    def _forward(self, X, **Z):
        normed, Z = self.norm1(X, **Z)
        mixed, Z = self.mha(normed, **Z)
        X = X + mixed
        normed, Z = self.norm2(X, **Z)
        mapped, Z = self.mlp(normed, **Z)
        return X + mapped, Z


@gau_test
def test_geogategpt_keeps_the_residual(device=None, dtype=None) -> None:
    block = GeogateGPT(embed_dim=64, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    for child in (block.mha, block.mlp):
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
        unitname="GeometricGatedMHA",
        requirements="Mix positions causally, the nearest match first.",
        inputs=["X"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="GatedMLP",
        requirements="Map each position by itself.",
        inputs=["X"],
        outputs=["Y"],
    ),
]
