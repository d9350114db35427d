# GAU_IMPLEMENTATION_FILE
# fault: products of attention matrices, whose cost is cubic in L
# check: effectiveness
# kind: scaling, cost
# unit: Mixer
# line: none
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """Products of attention matrices, whose cost is cubic in L."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)

    def _forward(self, X, **Z):
        B, L, D = X.shape
        A = (self.map(X) @ X.mT / D).tril().clamp(-1, 1)
        for _ in range(4):
            A = (A @ A / L).tril()
        return self.map(X) + A @ X


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
