# GAU_IMPLEMENTATION_FILE
import torch
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class WeightedWindow(GAUBase):
    """Sums up the last few positions of each head with weights that each position brings.

    ``y_t = sum over i < K of weights_{t,h,i} x_{t-i}`` for the channels of head h; what lies
    before the first position counts as zero.

    Inputs: X (B, L, E); in Z weights (B or 1, L or 1, H, K), E a multiple of H.
    Outputs: Y (B, L, E).
    Source: Wu et al. 2019, arXiv 1901.10430 [lighdynconv].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)

    def _forward(self, X, weights=None, **Z):
        if weights is None:
            raise ValueError("WeightedWindow needs weights of shape (B, L, H, K) in Z")
        length, (heads, taps) = X.shape[1], weights.shape[-2:]
        padded = functional.pad(X, (0, 0, taps - 1, 0)).unflatten(-1, (heads, -1))
        Y = torch.zeros_like(padded[:, :length])
        for i, weight in enumerate(weights.unsqueeze(-1).unbind(-2)):
            start = taps - 1 - i
            Y = torch.addcmul(Y, padded[:, start : start + length], weight)
        return Y.flatten(-2)


@gau_test
def test_weightedwindow_picks_positions(device=None, dtype=None) -> None:
    unit = WeightedWindow(embed_dim=4, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 9, 4, device=device, dtype=dtype)
    weights = torch.zeros(1, 1, 2, 3, device=device, dtype=dtype)
    weights[..., 0, 0] = weights[..., 1, 2] = 1.0
    Y, _ = unit(X, weights=weights)
    assert torch.equal(Y[..., :2], X[..., :2])
    assert torch.equal(Y[:, 2:, 2:], X[:, :-2, 2:])
    assert not Y[:, :2, 2:].any()


CHILDREN_DECLARATIONS = []
