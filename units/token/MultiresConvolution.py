# GAU_IMPLEMENTATION_FILE
import math

import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


def multires_taps(x, weight, dilation):
    """Causal convolution of x (B, L, D) with weight (K, D), ``dilation`` positions a tap."""
    length, taps = x.shape[1], weight.shape[0]
    padded = functional.pad(x, (0, 0, (taps - 1) * dilation, 0))
    y = padded[:, :length] * weight[0]
    for i in range(1, taps):
        y = torch.addcmul(y, padded[:, i * dilation : i * dilation + length], weight[i])
    return y


class MultiresConvolution(GAUBase):
    """Memory as in wavelets: one pair of short filters, applied at doubling distances.

    From ``a_0 = X`` on, level j gives details ``d_j = high conv a_{j-1}`` and an outline
    ``a_j = low conv a_{j-1}``, both with taps 2^(j-1) apart. A weighted sum of X, all details and
    the last outline goes through ``v * sigmoid(g)``, v and g linear in its gelu.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``levels`` of ``level_taps`` taps reach ``(level_taps - 1) (2^levels - 1)`` positions back.
    Source: Shi et al. 2023, arXiv 2305.01638 [multiresconvmem].
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        levels=8,
        level_taps=2,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.low = nn.Parameter(torch.empty(level_taps, embed_dim, **self.factory_kwargs))
        self.high = nn.Parameter(torch.empty(level_taps, embed_dim, **self.factory_kwargs))
        self.mix = nn.Parameter(torch.empty(levels + 2, embed_dim, **self.factory_kwargs))
        self.out = nn.Linear(embed_dim, 2 * embed_dim, bias=False, **self.factory_kwargs)
        # Variances of the outlines then neither grow nor vanish with the levels.
        bound = math.sqrt(3 / level_taps)
        nn.init.uniform_(self.low, -bound, bound)
        nn.init.uniform_(self.high, -bound, bound)
        nn.init.normal_(self.mix, std=(levels + 2) ** -0.5)

    def _forward(self, X, **Z):
        present, outlined, *detailed = self.mix.unbind(0)
        Y, outline = X * present, X
        for level, weight in enumerate(detailed):
            detail = multires_taps(outline, self.high, 2**level)
            outline = multires_taps(outline, self.low, 2**level)
            Y = torch.addcmul(Y, detail, weight)
        Y = torch.addcmul(Y, outline, outlined)
        value, gate = self.out(functional.gelu(Y)).chunk(2, dim=-1)
        return value * gate.sigmoid()


@gau_test
def test_multiresconvolution_reaches_twice_as_far_a_level(device=None, dtype=None) -> None:
    unit = MultiresConvolution(
        embed_dim=16, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype, levels=3
    )
    X = torch.randn(1, 12, 16, device=device, dtype=dtype)
    changed = X.clone()
    changed[:, 2] = 5.0
    moved = (unit(X)[0] != unit(changed)[0]).any(-1)[0]
    assert moved.tolist() == [False] * 2 + [True] * 8 + [False] * 2


CHILDREN_DECLARATIONS = []
