# GAU_IMPLEMENTATION_FILE
import torch

from genesys.gau import GAUBase, UnitDecl, gau_test


class SambaBlock(GAUBase):
    """Selective state space and local attention by turns, with an MLP behind each.

    ``X + mixer(N1(X))``, then ``X + MLP(N2(X))``; the mixer is Mamba in even blocks.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Ren et al. 2024, arXiv 2406.07522 [samba].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        mixer = SlidingWindowAttention if block_loc[0] % 2 else Mamba
        self.norm1 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.mixer = mixer(**common, **self.factory_kwargs, **kwarg_all)
        self.norm2 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.mlp = SwiGluMLP(**common, **self.factory_kwargs, **kwarg_all)

    def _forward(self, X, **Z):
        mixed, Z = self.mixer(self.norm1(X, **Z)[0], **Z)
        X = X + mixed
        mapped, Z = self.mlp(self.norm2(X, **Z)[0], **Z)
        return X + mapped, Z


@gau_test
def test_sambablock_keeps_the_residual(device=None, dtype=None) -> None:
    block = SambaBlock(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
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
        unitname="SlidingWindowAttention",
        requirements="Mix nearby positions causally.",
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
