# GAU_IMPLEMENTATION_FILE
import torch

from genesys.gau import GAUBase, UnitDecl, gau_test


class StreamRetNet(GAUBase):
    """Pre-norm block: multi-scale retention, then a streaming MLP, each with a residual.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: the design StreamRetNet of the Genesys paper, sec. 5.3 and fig. 56.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.norm1 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.retention = MultiScaleRetention(**common, **self.factory_kwargs, **kwarg_all)
        self.norm2 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.mlp = StreamRetNetMLP(**common, **self.factory_kwargs, **kwarg_all)

    def _forward(self, X, **Z):
        normed, Z = self.norm1(X, **Z)
        mixed, Z = self.retention(normed, **Z)
        X = X + mixed
        normed, Z = self.norm2(X, **Z)
        mapped, Z = self.mlp(normed, **Z)
        return X + mapped, Z


@gau_test
def test_streamretnet_keeps_the_residual(device=None, dtype=None) -> None:
    block = StreamRetNet(embed_dim=64, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    for child in (block.retention, block.mlp):
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
        unitname="MultiScaleRetention",
        requirements="Mix positions causally, with a decay of its own in each head.",
        inputs=["X"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="StreamRetNetMLP",
        requirements="Map each position together with what a cache recalls.",
        inputs=["X"],
        outputs=["Y"],
    ),
]
