# GAU_IMPLEMENTATION_FILE
# fault: one head of four without a mask
# check: causality
# kind: causality
# unit: Mixer
# line: none
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """One head of four without a mask."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)
        self.key = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)

    def _forward(self, X, **Z):
        B, L, D = X.shape
        q, k, v = (
            h.unflatten(-1, (4, D // 4)).transpose(1, 2) for h in (self.map(X), self.key(X), X)
        )
        mask = torch.ones(4, L, L, dtype=torch.bool, device=X.device).tril()
        mask[3] = True
        scores = (q @ k.mT / 4).masked_fill(~mask, -torch.inf)
        return (scores.softmax(-1) @ v).transpose(1, 2).reshape(B, L, D)


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
