# GAU_IMPLEMENTATION_FILE
# about: a test that changes torch's settings and leaves them so
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """A test that changes torch's settings and leaves them so."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)

    def _forward(self, X, **Z):
        return self.map(X)


@gau_test
def test_mixer_in_double(device=None, dtype=None) -> None:
    torch.set_default_dtype(torch.float64)
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=torch.float64)
    X = torch.randn(2, 5, 32, device=device)
    assert unit(X)[0].dtype is torch.float64


CHILDREN_DECLARATIONS = []
