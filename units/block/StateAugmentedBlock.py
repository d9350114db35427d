# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, UnitDecl, gau_test


class StateAugmentedBlock(GAUBase):
    """Local attention in all blocks, with a state space beside it in the first for what is far.

    The first block adds ``W [N(SSM(h)), N(local(h))]`` with ``h = N1(X)``, the others ``local(h)``;
    then each adds an MLP.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Zuo et al. 2022, arXiv 2212.08136 [ssaugtrans].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.norm1 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.local = SlidingWindowAttention(**common, **self.factory_kwargs, **kwarg_all)
        self.norm2 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.mlp = SwiGluMLP(**common, **self.factory_kwargs, **kwarg_all)
        self.joined = block_loc[0] == 0
        if self.joined:
            self.far = S4D(**common, **self.factory_kwargs, **kwarg_all)
            self.norm_far = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
            self.norm_local = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
            self.join = nn.Linear(2 * embed_dim, embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, **Z):
        normed, Z = self.norm1(X, **Z)
        mixed, Z = self.local(normed, **Z)
        if self.joined:
            far, Z = self.far(normed, **Z)
            both = self.norm_far(far, **Z)[0], self.norm_local(mixed, **Z)[0]
            mixed = self.join(torch.cat(both, dim=-1))
        X = X + mixed
        mapped, Z = self.mlp(self.norm2(X, **Z)[0], **Z)
        return X + mapped, Z


@gau_test
def test_stateaugmentedblock_sees_beyond_the_window_in_the_first_block(
    device=None, dtype=None
) -> None:
    X = torch.randn(1, 9, 32, device=device, dtype=dtype)
    changed = torch.cat((10 * torch.ones_like(X[:, :1]), X[:, 1:]), dim=1)
    for depth in (0, 1):
        block = StateAugmentedBlock(
            embed_dim=32,
            block_loc=(depth, 2),
            kwarg_all={"window": 4},
            device=device,
            dtype=dtype,
        )
        difference = (block(X)[0] - block(changed)[0]).float().abs()
        assert (difference[:, 8].max() > 1e-4) == (depth == 0)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="RMSNorm",
        requirements="Normalise each position.",
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
        unitname="S4D",
        requirements="Remember what is far.",
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
