# GAU_IMPLEMENTATION_FILE
# fault: a loop over positions with thirty operations each
# check: effectiveness
# kind: cost
# unit: Mixer
# line: none
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """A loop over positions with thirty operations each."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)

    def _forward(self, X, **Z):
        state, out = torch.zeros_like(X[:, 0]), []
        for x in self.map(X).unbind(1):
            for _ in range(8):
                state = 0.9 * state + 0.1 * torch.tanh(x + state)
            out.append(state)
        return torch.stack(out, 1)


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
