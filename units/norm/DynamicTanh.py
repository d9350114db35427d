# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class DynamicTanh(GAUBase):
    """Squashes each channel in place of a norm: ``y = w * tanh(a x) + b``, with one scale a.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Zhu et al. 2025, arXiv 2503.10622.
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, tanh_scale=0.5, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.scale = nn.Parameter(torch.full((1,), tanh_scale, **self.factory_kwargs))
        self.weight = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))
        self.bias = nn.Parameter(torch.zeros(embed_dim, **self.factory_kwargs))

    def _forward(self, X, **Z):
        return self.weight * (self.scale * X).tanh() + self.bias


@gau_test
def test_dynamictanh_is_bounded_and_linear_near_zero(device=None, dtype=None) -> None:
    norm = DynamicTanh(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert norm(1000 * X)[0].abs().max() <= 1
    assert torch.allclose(norm(0.01 * X)[0], 0.005 * X, rtol=2e-2, atol=1e-4)


CHILDREN_DECLARATIONS = []
