# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class LayerNorm(GAUBase):
    """Moves each position to mean zero and variance one, then scales and shifts every channel.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Ba et al. 2016, arXiv 1607.06450.
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, eps=1e-5, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))
        self.bias = nn.Parameter(torch.zeros(embed_dim, **self.factory_kwargs))

    def _forward(self, X, **Z):
        # Under autocast X may be narrower than the weight.
        weight, bias = self.weight.to(X.dtype), self.bias.to(X.dtype)
        return functional.layer_norm(X, (self.embed_dim,), weight, bias, self.eps)


@gau_test
def test_layernorm_takes_shift_and_scale_away(device=None, dtype=None) -> None:
    norm = LayerNorm(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert torch.allclose(norm(8 * X + 4)[0], norm(X)[0], atol=0.1)
    mean = norm(X)[0].float().mean(-1)
    assert torch.allclose(mean, torch.zeros_like(mean), atol=1e-2)


CHILDREN_DECLARATIONS = []
