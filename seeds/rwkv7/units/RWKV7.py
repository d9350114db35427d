# GAU_IMPLEMENTATION_FILE
import torch

from genesys.gau import GAUBase, UnitDecl, gau_test


class RWKV7(GAUBase):
    """Pre-norm block: time mixing, then channel mixing, each with a residual.

    Inputs: X (B, L, D); rwkv7_value (B, L, D), from the first block.
    Outputs: Y (B, L, D); rwkv7_value (B, L, D).
    Source: Peng et al. 2025, arXiv 2503.14456.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.norm1 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.time_mix = RWKV7TimeMix(**common, **self.factory_kwargs, **kwarg_all)
        self.norm2 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.channel_mix = RWKV7ChannelMix(**common, **self.factory_kwargs, **kwarg_all)

    def _forward(self, X, **Z):
        normed, Z = self.norm1(X, **Z)
        mixed, Z = self.time_mix(normed, **Z)
        X = X + mixed
        normed, Z = self.norm2(X, **Z)
        mapped, Z = self.channel_mix(normed, **Z)
        return X + mapped, Z


@gau_test
def test_rwkv7_keeps_the_residual(device=None, dtype=None) -> None:
    block = RWKV7(embed_dim=64, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    for child in (block.time_mix, block.channel_mix):
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
        unitname="RWKV7TimeMix",
        requirements="Mix positions causally with a memory that is corrected as it is written.",
        inputs=["X"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="RWKV7ChannelMix",
        requirements="Map each position, mixed with the one before it.",
        inputs=["X"],
        outputs=["Y"],
    ),
]
