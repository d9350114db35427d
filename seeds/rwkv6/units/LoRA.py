# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class LoRA(GAUBase):
    """Low-rank function of each position: ``tanh(X A) B``.

    Both factors start small but not at zero, so that each gets a gradient from the start.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``rank`` is the width between A (D, rank) and B (rank, D).
    Source: Peng et al. 2024, arXiv 2404.05892, section 4.1.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, rank=8, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.down = nn.Linear(embed_dim, rank, bias=False, **self.factory_kwargs)
        self.up = nn.Linear(rank, embed_dim, bias=False, **self.factory_kwargs)
        nn.init.normal_(self.down.weight, std=0.1 * embed_dim**-0.5)
        nn.init.normal_(self.up.weight, std=0.1)

    def _forward(self, X, **Z):
        return self.up(torch.tanh(self.down(X)))


@gau_test
def test_lora_starts_small(device=None, dtype=None) -> None:
    lora = LoRA(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    Y, _ = lora(torch.randn(2, 5, 32, device=device, dtype=dtype))
    assert 0 < Y.abs().max() < 0.3


@gau_test
def test_lora_is_bounded(device=None, dtype=None) -> None:
    lora = LoRA(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    Y, _ = lora(1e4 * torch.randn(2, 5, 32, device=device, dtype=dtype))
    assert (Y.abs() <= 1.02 * lora.up.weight.abs().sum(-1)).all()


CHILDREN_DECLARATIONS = []
