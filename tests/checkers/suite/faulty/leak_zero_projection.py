# GAU_IMPLEMENTATION_FILE
# fault: attention without a mask behind a projection that starts at zero
# check: causality
# kind: causality
# unit: Mixer
# line: none
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """Attention without a mask behind a projection that starts at zero."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)
        self.key = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def _forward(self, X, **Z):
        B, L, D = X.shape
        q, k = self.map(X), self.key(X)
        scores = q @ k.mT / D**0.5
        return self.map(X) + self.out(scores.softmax(-1) @ X)


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
