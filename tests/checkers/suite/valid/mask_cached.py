# GAU_IMPLEMENTATION_FILE
# about: keeps masks by length: state that changes nothing
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """Keeps masks by length: state that changes nothing."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)
        self.masks = {}

    def _forward(self, X, **Z):
        L = X.shape[1]
        if L not in self.masks:
            self.masks[L] = torch.ones(L, L, device=X.device).tril() / L
        return self.masks[L].to(X) @ self.map(X)


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
