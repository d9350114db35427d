# GAU_IMPLEMENTATION_FILE
# about: the nearest code, with the gradient of a soft choice
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """The nearest code, with the gradient of a soft choice."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)
        self.codes = nn.Parameter(torch.randn(16, embed_dim, **self.factory_kwargs))

    def _forward(self, X, **Z):
        h = self.map(X)
        far = torch.cdist(h.float(), self.codes.float())
        soft = (-far).softmax(-1).to(X) @ self.codes
        return h + soft + (self.codes[far.argmin(-1)] - soft).detach()


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
