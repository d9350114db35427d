# GAU_IMPLEMENTATION_FILE
# fault: two layers that are applied sixteen times
# check: effectiveness
# kind: cost
# unit: Mixer
# line: none
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """Two layers that are applied sixteen times."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)
        self.up = nn.Linear(embed_dim, 4 * embed_dim, **self.factory_kwargs)
        self.down = nn.Linear(4 * embed_dim, embed_dim, **self.factory_kwargs)

    def _forward(self, X, **Z):
        D, h = X.shape[-1], self.map(X)
        for _ in range(16):
            h = functional.rms_norm(h + self.down(self.up(h).relu()), (D,))
        return h


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
