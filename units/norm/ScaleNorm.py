# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class ScaleNorm(GAUBase):
    """Gives each position one learned length, ``y = g x / |x|``; g starts at sqrt(D).

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Nguyen and Salazar 2019, arXiv 1910.05895.
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, eps=1e-5, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.eps = eps
        self.length = nn.Parameter(torch.full((1,), embed_dim**0.5, **self.factory_kwargs))

    def _forward(self, X, **Z):
        share = (self.length * self.embed_dim**-0.5).to(X.dtype)
        return share * functional.rms_norm(X, (self.embed_dim,), eps=self.eps)


@gau_test
def test_scalenorm_gives_all_positions_one_length(device=None, dtype=None) -> None:
    norm = ScaleNorm(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    nn.init.constant_(norm.length, 3.0)
    Y, _ = norm(7 * torch.randn(2, 5, 32, device=device, dtype=dtype))
    length = Y.float().norm(dim=-1)
    assert torch.allclose(length, torch.full_like(length, 3.0), atol=5e-2)


CHILDREN_DECLARATIONS = []
