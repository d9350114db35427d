# GAU_IMPLEMENTATION_FILE
# about: a convolution tap by tap, in a helper
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


def taps(x, weights):
    """Depthwise convolution of x (B, L, D) by weights (D, K)."""
    length, kernel = x.shape[1], weights.shape[1]
    past = functional.pad(x, (0, 0, kernel - 1, 0))
    return sum(past[:, i : i + length] * weights[:, i] for i in range(kernel))


class Mixer(GAUBase):
    """A convolution tap by tap, in a helper."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)
        self.weights = nn.Parameter(torch.randn(embed_dim, 3, **self.factory_kwargs))

    def _forward(self, X, **Z):
        return taps(self.map(X), self.weights)


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
