# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, UnitDecl, gau_test


class DenseFormerBlock(GAUBase):
    """Pre-norm block whose output is a learned mean over those of all blocks before it.

    ``Y = sum over j of a_j y_j``, where y_0 is what the first block got, y_j what block j gave
    before its mean, and the last of them is this block's. The means start with this one alone.

    Inputs: X (B, L, D); in Z dense_outputs, a list of y (B, L, D), made by the first block.
    Outputs: Y (B, L, D); dense_outputs with one more.
    Source: Pagliardini et al. 2024, arXiv 2402.02622.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.norm1 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.mha = MHA(**common, **self.factory_kwargs, **kwarg_all)
        self.norm2 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.mlp = SwiGluMLP(**common, **self.factory_kwargs, **kwarg_all)
        self.shares = nn.Parameter(torch.zeros(block_loc[0] + 2, **self.factory_kwargs))
        with torch.no_grad():
            self.shares[-1] = 1.0

    def _forward(self, X, dense_outputs=None, **Z):
        outputs = [X] if dense_outputs is None else dense_outputs
        mixed, Z = self.mha(self.norm1(X, **Z)[0], **Z)
        X = X + mixed
        mapped, Z = self.mlp(self.norm2(X, **Z)[0], **Z)
        outputs = [*outputs, X + mapped]
        shares = self.shares[-len(outputs) :]
        mean = sum(share * y for share, y in zip(shares, outputs, strict=True))
        return mean, {**Z, "dense_outputs": outputs}


@gau_test
def test_denseformerblock_means_over_depth(device=None, dtype=None) -> None:
    blocks = [
        DenseFormerBlock(embed_dim=32, block_loc=(i, 2), kwarg_all={}, device=device, dtype=dtype)
        for i in range(2)
    ]
    X = torch.randn(2, 9, 32, device=device, dtype=dtype)
    nn.init.constant_(blocks[1].shares, 0.5)
    Y, Z = blocks[1](blocks[0](X)[0], dense_outputs=blocks[0](X)[1]["dense_outputs"])
    assert len(Z["dense_outputs"]) == 3
    assert torch.equal(Z["dense_outputs"][0], X)
    assert torch.allclose(Y, sum(Z["dense_outputs"]) / 2, atol=1e-2)


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
