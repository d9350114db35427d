# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class LowRankMap(GAUBase):
    """Map of each position through a few channels: ``g(X A) B``.

    ``squash`` names g: "tanh", "sigmoid" or "none". B starts small but not at zero, so that
    both factors get a gradient from the start.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``rank`` is the width between A (D, rank) and B (rank, D).
    Source: Peng et al. 2025, arXiv 2503.14456, section 4.
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        rank=8,
        squash="none",
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.squash = {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "none": nn.Identity()}[squash]
        self.down = nn.Linear(embed_dim, rank, bias=False, **self.factory_kwargs)
        self.up = nn.Linear(rank, embed_dim, bias=False, **self.factory_kwargs)
        nn.init.normal_(self.up.weight, std=0.1)

    def _forward(self, X, **Z):
        return self.up(self.squash(self.down(X)))


@gau_test
def test_lowrankmap_has_its_rank(device=None, dtype=None) -> None:
    unit = LowRankMap(embed_dim=32, block_loc=(0, 1), kwarg_all={}, rank=5)
    Y, _ = unit(torch.randn(2, 40, 32))
    assert torch.linalg.matrix_rank(Y.flatten(0, 1)) == 5


@gau_test
def test_lowrankmap_squashed_is_bounded(device=None, dtype=None) -> None:
    args = {"block_loc": (0, 1), "kwarg_all": {}, "device": device, "dtype": dtype}
    unit = LowRankMap(embed_dim=32, squash="tanh", **args)
    Y, _ = unit(1e4 * torch.randn(2, 5, 32, device=device, dtype=dtype))
    assert (Y.abs() <= 1.02 * unit.up.weight.abs().sum(-1)).all()


CHILDREN_DECLARATIONS = []
