# GAU_IMPLEMENTATION_FILE
import torch

from genesys.gau import GAUBase, UnitDecl, gau_test


class JambaBlock(GAUBase):
    """State spaces with one attention in eight blocks, and experts in every second block.

    ``X + mixer(N1(X))``, then ``X + MLP(N2(X))``; attention mixes in the fifth block of eight.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Lieber et al. 2024, arXiv 2403.19887 [jamba].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        mixer = MHA if block_loc[0] % 8 == 4 else Mamba
        mlp = MixtureOfExperts if block_loc[0] % 2 else SwiGluMLP
        self.norm1 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.mixer = mixer(**common, **self.factory_kwargs, **kwarg_all)
        self.norm2 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.mlp = mlp(**common, **self.factory_kwargs, **kwarg_all)

    def _forward(self, X, **Z):
        mixed, Z = self.mixer(self.norm1(X, **Z)[0], **Z)
        X = X + mixed
        mapped, Z = self.mlp(self.norm2(X, **Z)[0], **Z)
        return X + mapped, Z


@gau_test
def test_jambablock_keeps_the_residual(device=None, dtype=None) -> None:
    block = JambaBlock(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    for child in (block.mixer, block.mlp):
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
        unitname="Mamba",
        requirements="Mix positions with a selective state space.",
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
    UnitDecl(
        unitname="MixtureOfExperts",
        requirements="Map each position by the experts that fit it.",
        inputs=["X"],
        outputs=["Y"],
    ),
]
