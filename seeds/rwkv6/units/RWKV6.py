# GAU_IMPLEMENTATION_FILE
import torch

from genesys.gau import GAUBase, UnitDecl, gau_test


class RWKV6(GAUBase):
    """Pre-norm block: time mixing, then channel mixing, each with a residual.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Peng et al. 2024, arXiv 2404.05892.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.norm1 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.attention = RWKV6Attention(**common, **self.factory_kwargs, **kwarg_all)
        self.norm2 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.feed_forward = RWKV6FeedForward(**common, **self.factory_kwargs, **kwarg_all)

    def _forward(self, X, **Z):
        normed, Z = self.norm1(X, **Z)
        mixed, Z = self.attention(normed, **Z)
        X = X + mixed
        normed, Z = self.norm2(X, **Z)
        mapped, Z = self.feed_forward(normed, **Z)
        return X + mapped, Z


@gau_test
def test_rwkv6_keeps_the_residual(device=None, dtype=None) -> None:
    block = RWKV6(embed_dim=64, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    for child in (block.attention, block.feed_forward):
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
        unitname="RWKV6Attention",
        requirements="Mix positions causally with a decay that depends on the data.",
        inputs=["X"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="RWKV6FeedForward",
        requirements="Map each position, mixed with the one before it.",
        inputs=["X"],
        outputs=["Y"],
    ),
]
