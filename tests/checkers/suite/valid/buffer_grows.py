# GAU_IMPLEMENTATION_FILE
# about: a table of positions that grows when a longer sequence comes
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """A table of positions that grows when a longer sequence comes."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)
        self.register_buffer("table", torch.zeros(0, 1, **self.factory_kwargs), persistent=False)

    def _forward(self, X, **Z):
        L = X.shape[1]
        if self.table.shape[0] < L:
            t = torch.arange(L, device=X.device, dtype=X.dtype)
            self.table = t[:, None] * 0.01
        return self.map(X) * self.table[:L].cos()


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
