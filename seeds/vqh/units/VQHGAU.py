# GAU_IMPLEMENTATION_FILE
import torch

from genesys.gau import GAUBase, UnitDecl, gau_test


class VQHGAU(GAUBase):
    """Pre-norm block whose mixer gates a state, quantises it and keeps it at several decays.

    A gated MLP, with a residual of its own, maps each position afterwards.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: the design VQH of the Genesys paper, sec. 5.3 and app. G.2.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.norm1 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.gating = SelectiveGatingUnit(**common, **self.factory_kwargs, **kwarg_all)
        self.quantization = VectorQuantization(**common, **self.factory_kwargs, **kwarg_all)
        self.memory = HierarchicalMemoryIntegrator(**common, **self.factory_kwargs, **kwarg_all)
        self.norm2 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.mlp = GatedMLP(**common, **self.factory_kwargs, **kwarg_all)

    def _forward(self, X, **Z):
        normed, Z = self.norm1(X, **Z)
        state, Z = self.gating(normed, **Z)
        codes, Z = self.quantization(state, **Z)
        mixed, _ = self.memory(normed, **{**Z, "codes": codes})
        X = X + mixed
        normed, Z = self.norm2(X, **Z)
        mapped, Z = self.mlp(normed, **Z)
        return X + mapped, Z


@gau_test
def test_vqhgau_keeps_the_residual(device=None, dtype=None) -> None:
    block = VQHGAU(embed_dim=64, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    for child in (block.memory, block.mlp):
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
        unitname="SelectiveGatingUnit",
        requirements="Keep a state that gates, which depend on the data, update.",
        inputs=["X"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="VectorQuantization",
        requirements="Replace the state of each position by entries of codebooks.",
        inputs=["X"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="HierarchicalMemoryIntegrator",
        requirements="Remember the codes at several time scales; gate and join the memories.",
        inputs=["X", "codes"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="GatedMLP",
        requirements="Map each position by itself.",
        inputs=["X"],
        outputs=["Y"],
    ),
]
