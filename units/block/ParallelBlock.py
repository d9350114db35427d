# GAU_IMPLEMENTATION_FILE
import torch

from genesys.gau import GAUBase, UnitDecl, gau_test


class ParallelBlock(GAUBase):
    """Attention and MLP side by side, on one norm: ``Y = X + MHA(N(X)) + MLP(N(X))``.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Chowdhery et al. 2022, arXiv 2204.02311; Wang and Komatsuzaki 2021 (GPT-J).
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.norm = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.mha = MHA(**common, **self.factory_kwargs, **kwarg_all)
        self.mlp = SwiGluMLP(**common, **self.factory_kwargs, **kwarg_all)

    def _forward(self, X, **Z):
        normed, Z = self.norm(X, **Z)
        mixed, Z = self.mha(normed, **Z)
        mapped, Z = self.mlp(normed, **Z)
        return X + mixed + mapped, Z


@gau_test
def test_parallelblock_keeps_the_residual(device=None, dtype=None) -> None:
    block = ParallelBlock(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
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
