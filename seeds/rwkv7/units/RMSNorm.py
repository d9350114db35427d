# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class RMSNorm(GAUBase):
    """Divides each position by its root mean square and scales every channel.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Zhang and Sennrich 2019, arXiv 1910.07467.
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, eps=1e-5, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))

    def _forward(self, X, **Z):
        # Under autocast X may be narrower than the weight.
        return functional.rms_norm(X, (self.embed_dim,), self.weight.to(X.dtype), self.eps)


@gau_test
def test_rmsnorm_unit_scale(device=None, dtype=None) -> None:
    norm = RMSNorm(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    Y, _ = norm(7 * torch.randn(2, 5, 32, device=device, dtype=dtype))
    scale = Y.float().square().mean(-1)
    assert torch.allclose(scale, torch.ones_like(scale), atol=2e-2)


@gau_test
def test_rmsnorm_zero_input(device=None, dtype=None) -> None:
    norm = RMSNorm(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    Y, _ = norm(torch.zeros(1, 3, 32, device=device, dtype=dtype))
    assert torch.equal(Y, torch.zeros_like(Y))


CHILDREN_DECLARATIONS = []
