# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class RWKV7ChannelMix(GAUBase):
    """Squared-ReLU layer over each position mixed with the one before it.

    ``y_t = relu((x_t + m (x_{t-1} - x_t)) W)^2 V`` with a hidden width of 4 D.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Peng et al. 2025, arXiv 2503.14456, section 4.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        # Later blocks look back less, as in the published initialisation.
        depth = block_loc[0] / max(1, block_loc[1])
        share = torch.linspace(1, 0, embed_dim, **self.factory_kwargs)
        self.mix = nn.Parameter(share ** (1 - depth))
        self.up = nn.Linear(embed_dim, 4 * embed_dim, bias=False, **self.factory_kwargs)
        self.down = nn.Linear(4 * embed_dim, embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, **Z):
        delta = functional.pad(X, (0, 0, 1, -1)) - X
        return self.down(self.up(torch.addcmul(X, delta, self.mix)).relu().square())


@gau_test
def test_rwkv7channelmix_sees_one_position_back(device=None, dtype=None) -> None:
    unit = RWKV7ChannelMix(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 8, 32, device=device, dtype=dtype)
    changed = X.clone()
    changed[:, 3] = torch.randn(32, device=device, dtype=dtype)
    moved = (unit(X)[0] != unit(changed)[0]).any(-1)[0]
    assert moved.tolist() == [False, False, False, True, True, False, False, False]


CHILDREN_DECLARATIONS = []
