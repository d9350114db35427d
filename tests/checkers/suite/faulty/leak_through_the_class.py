# GAU_IMPLEMENTATION_FILE
# fault: blocks hand the future on by an attribute of the class
# check: causality, forward
# kind: causality, state, nondeterministic
# unit: Mixer
# line: none
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """Blocks hand the future on by an attribute of the class."""

    seen = None

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)

    def _forward(self, X, **Z):
        Y = self.map(X)
        if self.block_loc[0] > 0 and Mixer.seen is not None and Mixer.seen.shape == X.shape:
            Y = Y + 0.1 * Mixer.seen
        Mixer.seen = X.detach().flip(1)
        return Y


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
