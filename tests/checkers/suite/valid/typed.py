# GAU_IMPLEMENTATION_FILE
# about: annotations everywhere
import typing

import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """Annotations everywhere."""

    def __init__(
        self,
        embed_dim: int,
        block_loc: tuple[int, int],
        kwarg_all: dict,
        device: torch.device | None = None,
        dtype: torch.dtype | None = None,
        **kwargs: typing.Any,
    ) -> None:
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)

    def _forward(self, X: torch.Tensor, **Z: torch.Tensor) -> torch.Tensor:
        return self.map(X)


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
