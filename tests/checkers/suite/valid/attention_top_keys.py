# GAU_IMPLEMENTATION_FILE
# about: attention to the strongest eight keys so far
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """Attention to the strongest eight keys so far."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)

    def _forward(self, X, **Z):
        L = X.shape[1]
        later = torch.ones(L, L, dtype=torch.bool, device=X.device).triu(1)
        scores = (self.map(X) @ X.mT / X.shape[-1] ** 0.5).masked_fill(later, -torch.inf)
        least = scores.topk(min(8, L), -1).values[..., -1:]
        return scores.masked_fill(scores < least, -torch.inf).softmax(-1) @ X


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
