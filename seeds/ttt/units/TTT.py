# GAU_IMPLEMENTATION_FILE
import torch

from genesys.gau import GAUBase, UnitDecl, gau_test


class TTT(GAUBase):
    """Pre-norm block: short convolution, TTT layer and SwiGLU, each with a residual.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Sun et al. 2024, arXiv 2407.04620.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.conv = Conv(**common, **self.factory_kwargs, **kwarg_all)
        self.norm1 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.ttt = TTTLinear(**common, **self.factory_kwargs, **kwarg_all)
        self.norm2 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.mlp = SwiGluMLP(**common, **self.factory_kwargs, **kwarg_all)

    def _forward(self, X, **Z):
        near, Z = self.conv(X, **Z)
        X = X + near
        normed, Z = self.norm1(X, **Z)
        mixed, Z = self.ttt(normed, **Z)
        X = X + mixed
        normed, Z = self.norm2(X, **Z)
        mapped, Z = self.mlp(normed, **Z)
        return X + mapped, Z


@gau_test
def test_ttt_keeps_the_residual(device=None, dtype=None) -> None:
    block = TTT(embed_dim=64, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    for child in (block.conv, block.ttt, block.mlp):
        child.forward = lambda X, **Z: (torch.zeros_like(X), Z)
    X = torch.randn(2, 9, 64, device=device, dtype=dtype)
    assert torch.equal(block(X)[0], X)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="Conv",
        requirements="Mix each position with the few before it.",
        inputs=["X"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="RMSNorm",
        requirements="Normalise each position.",
        inputs=["X"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="TTTLinear",
        requirements="Mix positions causally by training a linear model on them.",
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
