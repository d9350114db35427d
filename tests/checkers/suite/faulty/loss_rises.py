# GAU_IMPLEMENTATION_FILE
# fault: weights that are a thousand times more sensitive than they look
# check: effectiveness
# kind: divergence, no_learning
# unit: Mixer
# line: none
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """Weights that are a thousand times more sensitive than they look."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.weight = nn.Parameter(1e-6 * torch.randn(embed_dim, embed_dim, **self.factory_kwargs))

    def _forward(self, X, **Z):
        return 1000 * functional.linear(X, 100 * self.weight)


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
