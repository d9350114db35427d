# GAU_IMPLEMENTATION_FILE
import math

import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


class Conv(GAUBase):
    """Causal depthwise convolution over the last few positions, after a norm.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``conv_taps`` is how many positions, the present included, an output reads.
    Source: Sun et al. 2024, arXiv 2407.04620.
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, conv_taps=4, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.norm = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.weight = nn.Parameter(torch.empty(conv_taps, embed_dim, **self.factory_kwargs))
        bound = 1 / math.sqrt(conv_taps)
        nn.init.uniform_(self.weight, -bound, bound)

    def _forward(self, X, **Z):
        normed, Z = self.norm(X, **Z)
        length, taps = X.shape[1], self.weight.shape[0]
        padded = functional.pad(normed, (0, 0, taps - 1, 0))
        # A sum of shifted products: on CPU faster than a grouped conv1d.
        Y = padded[:, :length] * self.weight[0]
        for i in range(1, taps):
            Y = torch.addcmul(Y, padded[:, i : i + length], self.weight[i])
        return Y


@gau_test
def test_conv_reaches_taps_positions(device=None, dtype=None) -> None:
    conv = Conv(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    conv.norm.forward = lambda X, **Z: (X, Z)
    X = torch.zeros(1, 9, 32, device=device, dtype=dtype)
    X[0, 3] = 1.0
    Y, _ = conv(X)
    assert torch.equal(Y[0, 3:7], conv.weight.flip(0))
    assert not Y[0, :3].any()
    assert not Y[0, 7:].any()


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="RMSNorm",
        requirements="Normalise each position.",
        inputs=["X"],
        outputs=["Y"],
    )
]
