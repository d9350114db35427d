# GAU_IMPLEMENTATION_FILE
# about: a decayed sum in padded chunks of 16
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """A decayed sum in padded chunks of 16."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)

    def _forward(self, X, **Z):
        B, L, D = X.shape
        P = functional.pad(self.map(X), (0, 0, 0, -L % 16)).view(B, -1, 16, D)
        t = torch.arange(16, device=X.device, dtype=X.dtype)
        inner = (0.9 ** (t[:, None] - t)).tril() @ P
        ends, state, before = inner[:, :, -1].unbind(1), torch.zeros_like(X[:, 0]), []
        for end in ends:
            before.append(state)
            state = end + 0.9**16 * state
        carried = torch.stack(before, 1)[:, :, None] * 0.9 ** (t[:, None] + 1)
        return (inner + carried).flatten(1, 2)[:, :L] / 10


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
