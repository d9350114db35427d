# GAU_IMPLEMENTATION_FILE
import torch
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class SimpleRMSNorm(GAUBase):
    """Divides each position by its root mean square, without parameters.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Qin et al. 2023, arXiv 2307.14995 [transnormerllm].
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, eps=1e-5, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.eps = eps

    def _forward(self, X, **Z):
        return functional.rms_norm(X, (self.embed_dim,), eps=self.eps)


@gau_test
def test_simplermsnorm_unit_scale(device=None, dtype=None) -> None:
    norm = SimpleRMSNorm(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    Y, _ = norm(7 * torch.randn(2, 5, 32, device=device, dtype=dtype))
    scale = Y.float().square().mean(-1)
    assert torch.allclose(scale, torch.ones_like(scale), atol=2e-2)


CHILDREN_DECLARATIONS = []
