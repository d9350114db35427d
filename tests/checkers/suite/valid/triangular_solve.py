# GAU_IMPLEMENTATION_FILE
# about: a delta rule within padded chunks, by a triangular system
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """A delta rule within padded chunks, by a triangular system."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)

    def _forward(self, X, **Z):
        B, L, D = X.shape
        P = functional.pad(self.map(X), (0, 0, 0, -L % 16)).view(B, -1, 16, D).float()
        keys = functional.normalize(P, dim=-1)
        system = torch.eye(16, device=X.device, dtype=P.dtype) + (keys @ keys.mT).tril(-1)
        solved = torch.linalg.solve_triangular(system, keys, upper=False)
        return (P + solved).flatten(1, 2)[:, :L].to(X)


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
