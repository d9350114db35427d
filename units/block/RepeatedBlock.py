# GAU_IMPLEMENTATION_FILE
import torch

from genesys.gau import GAUBase, UnitDecl, gau_test


class RepeatedBlock(GAUBase):
    """A pre-norm block that is run twice with the same weights: twice as deep, no heavier.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``repeats`` is how often.
    Source: Liu et al. 2024, arXiv 2402.14905 [mobilellm].
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, repeats=2, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.repeats = repeats
        self.norm1 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.mha = MHA(**common, **self.factory_kwargs, **kwarg_all)
        self.norm2 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.mlp = SwiGluMLP(**common, **self.factory_kwargs, **kwarg_all)

    def _forward(self, X, **Z):
        for _ in range(self.repeats):
            mixed, Z = self.mha(self.norm1(X, **Z)[0], **Z)
            X = X + mixed
            mapped, Z = self.mlp(self.norm2(X, **Z)[0], **Z)
            X = X + mapped
        return X, Z


@gau_test
def test_repeatedblock_is_one_run_after_another(device=None, dtype=None) -> None:
    block = RepeatedBlock(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 9, 32, device=device, dtype=dtype)
    twice = block(X)[0]
    block.repeats = 1
    assert torch.equal(block(block(X)[0])[0], twice)


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
