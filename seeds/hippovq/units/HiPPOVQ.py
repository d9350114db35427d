# GAU_IMPLEMENTATION_FILE
import torch

from genesys.gau import GAUBase, UnitDecl, gau_test


class HiPPOVQ(GAUBase):
    """Pre-norm block: quantised events go into polynomial memories, which are read and joined.

    A gated MLP, with a residual of its own, maps each position afterwards.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: the design HiPPOVQ of the Genesys paper, sec. 5.3 and fig. 57.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.norm1 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.events = EDSSModule(**common, **self.factory_kwargs, **kwarg_all)
        self.quantization = VectorQuantization(**common, **self.factory_kwargs, **kwarg_all)
        self.memory = HPMemory(**common, **self.factory_kwargs, **kwarg_all)
        self.integrator = ASIntegrator(**common, **self.factory_kwargs, **kwarg_all)
        self.norm2 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.mlp = GatedMLP(**common, **self.factory_kwargs, **kwarg_all)

    def _forward(self, X, **Z):
        normed, Z = self.norm1(X, **Z)
        values, seen = self.events(normed, **Z)
        codes, _ = self.quantization(values, **Z)
        _, read = self.memory(normed, **{**Z, "values": codes, "events": seen["events"]})
        told = {"reads": read["reads"], "scale_weights": seen["scale_weights"]}
        mixed, _ = self.integrator(normed, **{**Z, **told})
        X = X + mixed
        normed, Z = self.norm2(X, **Z)
        mapped, Z = self.mlp(normed, **Z)
        return X + mapped, Z


@gau_test
def test_hippovq_keeps_the_residual(device=None, dtype=None) -> None:
    block = HiPPOVQ(embed_dim=64, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    for child in (block.integrator, block.mlp):
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
        unitname="EDSSModule",
        requirements="Give values, how much of an event each is, and weights of the scales.",
        inputs=["X"],
        outputs=["Y", "events", "scale_weights"],
    ),
    UnitDecl(
        unitname="VectorQuantization",
        requirements="Replace the values of each position by entries of codebooks.",
        inputs=["X"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="HPMemory",
        requirements="Write values by their events into a memory of each scale and read them.",
        inputs=["X", "values", "events"],
        outputs=["Y", "reads"],
    ),
    UnitDecl(
        unitname="ASIntegrator",
        requirements="Join what was read at all scales by their weights.",
        inputs=["X", "reads", "scale_weights"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="GatedMLP",
        requirements="Map each position by itself.",
        inputs=["X"],
        outputs=["Y"],
    ),
]
