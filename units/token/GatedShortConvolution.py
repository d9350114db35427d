# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, UnitDecl, gau_test


class GatedShortConvolution(GAUBase):
    """A short convolution between two gates that are linear in the input.

    ``Y = W (c * conv(b * v))``: Hyena of order 1 with an explicit filter of a few taps.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Poli et al. 2023, arXiv 2302.10866 [hyena].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.project = nn.Linear(embed_dim, 3 * embed_dim, bias=False, **self.factory_kwargs)
        self.convolution = ShortConvolution(**common, **self.factory_kwargs, **kwarg_all)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, **Z):
        before, after, value = self.project(X).chunk(3, dim=-1)
        mixed, _ = self.convolution(before * value, **Z)
        return self.out(after * mixed)


@gau_test
def test_gatedshortconvolution_sees_a_few_positions(device=None, dtype=None) -> None:
    unit = GatedShortConvolution(
        embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype
    )
    X = torch.randn(1, 9, 32, device=device, dtype=dtype)
    changed = X.clone()
    changed[:, 3] = torch.randn(32, device=device, dtype=dtype)
    moved = (unit(X)[0] != unit(changed)[0]).any(-1)[0]
    assert moved.tolist() == [False] * 3 + [True] * 4 + [False] * 2


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="ShortConvolution",
        requirements="Mix each position with the few before it.",
        inputs=["X"],
        outputs=["Y"],
    )
]
