# GAU_IMPLEMENTATION_FILE
import math

import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class ShortConvolution(GAUBase):
    """Causal convolution of each channel over the last few positions.

    ``y_t = sum over i < K of weight_i x_{t-K+1+i}``: the shift state space, K positions long.

    Inputs: X (B, L, E). Outputs: Y (B, L, E).
    ``conv_taps`` is K, how many positions, the present included, an output reads.
    Source: Dao et al. 2022, arXiv 2212.14052 [h3].
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, conv_taps=4, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.weight = nn.Parameter(torch.empty(conv_taps, embed_dim, **self.factory_kwargs))
        bound = 1 / math.sqrt(conv_taps)
        nn.init.uniform_(self.weight, -bound, bound)

    def _forward(self, X, **Z):
        length, taps = X.shape[1], self.weight.shape[0]
        padded = functional.pad(X, (0, 0, taps - 1, 0))
        # A sum of shifted products: on CPU faster than a grouped conv1d.
        Y = padded[:, :length] * self.weight[0]
        for i in range(1, taps):
            Y = torch.addcmul(Y, padded[:, i : i + length], self.weight[i])
        return Y


@gau_test
def test_shortconvolution_reaches_taps_positions(device=None, dtype=None) -> None:
    unit = ShortConvolution(
        embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype
    )
    X = torch.zeros(1, 9, 32, device=device, dtype=dtype)
    X[0, 3] = 1.0
    Y, _ = unit(X)
    assert torch.equal(Y[0, 3:7], unit.weight.flip(0))
    assert not Y[0, :3].any()
    assert not Y[0, 7:].any()


CHILDREN_DECLARATIONS = []
