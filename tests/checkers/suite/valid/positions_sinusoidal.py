# GAU_IMPLEMENTATION_FILE
# about: sines of the position as a buffer that is not saved
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """Sines of the position as a buffer that is not saved."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)
        rates = 0.1 ** torch.linspace(0, 4, embed_dim, **self.factory_kwargs)
        self.register_buffer("rates", rates, persistent=False)

    def _forward(self, X, **Z):
        t = torch.arange(X.shape[1], device=X.device, dtype=X.dtype)
        return self.map(X) + (t[:, None] * self.rates).sin()


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
