# GAU_IMPLEMENTATION_FILE
import torch

from genesys.gau import GAUBase, UnitDecl, gau_test


class MacaronBlock(GAUBase):
    """Attention between two MLPs of half the width, each of which counts half.

    ``X + MLP1(N1(X)) / 2``, then ``X + MHA(N2(X))``, then ``X + MLP2(N3(X)) / 2``.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Lu et al. 2019, arXiv 1906.02762.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        narrow = {**kwarg_all, **common, **self.factory_kwargs, "mlp_expand": 2}
        self.mlp1 = SquaredReluMLP(**narrow)
        self.mha = MHA(**common, **self.factory_kwargs, **kwarg_all)
        self.mlp2 = SquaredReluMLP(**narrow)
        self.norm1 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.norm2 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.norm3 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)

    def _forward(self, X, **Z):
        normed, Z = self.norm1(X, **Z)
        mapped, Z = self.mlp1(normed, **Z)
        X = X + mapped / 2
        normed, Z = self.norm2(X, **Z)
        mixed, Z = self.mha(normed, **Z)
        X = X + mixed
        normed, Z = self.norm3(X, **Z)
        mapped, Z = self.mlp2(normed, **Z)
        return X + mapped / 2, Z


@gau_test
def test_macaronblock_keeps_the_residual(device=None, dtype=None) -> None:
    block = MacaronBlock(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    for child in (block.mlp1, block.mha, block.mlp2):
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
        unitname="SquaredReluMLP",
        requirements="Map each position by itself.",
        inputs=["X"],
        outputs=["Y"],
    ),
]
