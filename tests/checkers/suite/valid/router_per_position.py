# GAU_IMPLEMENTATION_FILE
# about: each position picks two of four experts by itself
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """Each position picks two of four experts by itself."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.router = nn.Linear(embed_dim, 4, **self.factory_kwargs)
        self.experts = nn.ModuleList(
            nn.Linear(embed_dim, embed_dim, **self.factory_kwargs) for _ in range(4)
        )

    def _forward(self, X, **Z):
        scores, chosen = self.router(X).topk(2, dim=-1)
        weights = torch.zeros_like(self.router.weight[:, 0]).expand(*X.shape[:2], 4)
        weights = weights.scatter(-1, chosen, scores.softmax(-1))
        outputs = torch.stack([expert(X) for expert in self.experts], -1)
        return (outputs * weights[:, :, None]).sum(-1)


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
