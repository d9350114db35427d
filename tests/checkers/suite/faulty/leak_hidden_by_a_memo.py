# GAU_IMPLEMENTATION_FILE
# fault: remembers outputs by the first position, so that a second look shows no change
# check: causality, forward
# kind: causality, state, nondeterministic
# unit: Mixer, none
# line: none
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """Remembers outputs by the first position, so that a second look shows no change."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)
        self.memo = {}

    def _forward(self, X, **Z):
        if X.is_meta:
            return self.map(X)
        key = (X.shape, round(float(X[0, 0].double().sum()), 9))
        Y = self.map(X) + X.mean(1, keepdim=True)
        old = self.memo.setdefault(key, Y.detach())
        return Y + (old - Y).detach()


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
