# GAU_IMPLEMENTATION_FILE
import torch

from genesys.gau import GAUBase, UnitDecl, gau_test


class PostNormBlock(GAUBase):
    """The norm behind each sum: ``X = N1(X + MHA(X))``, then ``Y = N2(X + MLP(X))``.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Vaswani et al. 2017, arXiv 1706.03762 [transformer].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.mha = MHA(**common, **self.factory_kwargs, **kwarg_all)
        self.norm1 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.mlp = SwiGluMLP(**common, **self.factory_kwargs, **kwarg_all)
        self.norm2 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)

    def _forward(self, X, **Z):
        mixed, Z = self.mha(X, **Z)
        X, Z = self.norm1(X + mixed, **Z)
        mapped, Z = self.mlp(X, **Z)
        return self.norm2(X + mapped, **Z)


@gau_test
def test_postnormblock_gives_normed_positions(device=None, dtype=None) -> None:
    block = PostNormBlock(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    Y, _ = block(50 * torch.randn(2, 9, 32, device=device, dtype=dtype))
    scale = Y.float().square().mean(-1)
    assert torch.allclose(scale, torch.ones_like(scale), atol=5e-2)


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
