# GAU_IMPLEMENTATION_FILE
# about: a function with a derivative of its own
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class CubeRoot(torch.autograd.Function):
    """The cube root, with a bounded slope at zero."""

    @staticmethod
    def forward(ctx, X):
        ctx.save_for_backward(X)
        return X.sign() * X.abs() ** (1 / 3)

    @staticmethod
    def backward(ctx, gradient):
        (X,) = ctx.saved_tensors
        return gradient / (3 * X.abs() ** (2 / 3) + 0.1)


class Mixer(GAUBase):
    """A function with a derivative of its own."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)

    def _forward(self, X, **Z):
        return CubeRoot.apply(self.map(X))


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
