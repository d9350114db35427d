# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class TokenShift(GAUBase):
    """Mixes each position with the one before it, channel by channel.

    ``y_t = m x_t + (1 - m) x_{t-1}``; the first channels start with the past, the last with the
    present, and all with more of the present in deeper blocks.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Peng et al. 2023, arXiv 2305.13048 [rwkv4].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.present = nn.Parameter(torch.empty(embed_dim, **self.factory_kwargs))
        shallow = 1 - block_loc[0] / max(1, block_loc[1])
        with torch.no_grad():
            self.present.copy_(torch.linspace(0, 1, embed_dim) ** shallow)

    def _forward(self, X, **Z):
        before = functional.pad(X, (0, 0, 1, -1))
        return before + self.present * (X - before)


@gau_test
def test_tokenshift_reads_two_positions(device=None, dtype=None) -> None:
    unit = TokenShift(embed_dim=16, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.zeros(1, 6, 16, device=device, dtype=dtype)
    X[0, 2] = 1.0
    Y, _ = unit(X)
    assert torch.allclose(Y[0, 2], unit.present)
    assert torch.allclose(Y[0, 3], 1 - unit.present)
    assert not Y[0, [0, 1, 4, 5]].any()


CHILDREN_DECLARATIONS = []
