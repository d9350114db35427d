# GAU_IMPLEMENTATION_FILE
# fault: a vector for every pair of positions
# check: effectiveness, causality
# kind: memory, cost
# unit: Mixer, none
# line: none
# slow: yes
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """A vector for every pair of positions."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)

    def _forward(self, X, **Z):
        L, h = X.shape[1], self.map(X)
        mask = torch.ones(L, L, device=X.device, dtype=X.dtype).tril()[..., None]
        pairs = (h[:, :, None] + X[:, None]).relu() * mask
        return pairs.sum(2) / L


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
