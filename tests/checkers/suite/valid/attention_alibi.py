# GAU_IMPLEMENTATION_FILE
# about: attention with a bias that falls with distance
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """Attention with a bias that falls with distance."""

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
        t = torch.arange(L, device=X.device)
        distance = t[:, None] - t
        slopes = 2.0 ** -torch.arange(1, 5, device=X.device, dtype=X.dtype)
        bias = -slopes[:, None, None] * distance
        bias = bias.masked_fill(distance < 0, -torch.inf)
        Y = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype))
        return Y.transpose(1, 2).reshape(B, L, D)


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
