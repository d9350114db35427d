# GAU_IMPLEMENTATION_FILE
# about: the attention layer of torch with a causal mask
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """The attention layer of torch with a causal mask."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.attention = nn.MultiheadAttention(
            embed_dim, 4, batch_first=True, **self.factory_kwargs
        )

    def _forward(self, X, **Z):
        L = X.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(L, X.device, X.dtype)
        return self.attention(X, X, X, attn_mask=mask, is_causal=True, need_weights=False)[0]


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
