# GAU_IMPLEMENTATION_FILE
import math

import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class HiPPOProjector(GAUBase):
    """Maps X to the values that the memories take, behind a short causal convolution.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: the design HiPPOVQ of the Genesys paper, fig. 57; the short convolution is that of Fu et
    al. 2023, arXiv 2212.14052.
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, projector_taps=4, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.project = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.taps = nn.Parameter(torch.empty(projector_taps, embed_dim, **self.factory_kwargs))
        bound = 1 / math.sqrt(projector_taps)
        nn.init.uniform_(self.taps, -bound, bound)

    def _forward(self, X, **Z):
        length, taps = X.shape[1], self.taps.shape[0]
        padded = functional.pad(self.project(X), (0, 0, taps - 1, 0))
        return sum(padded[:, i : i + length] * self.taps[i] for i in range(taps))


@gau_test
def test_hippoprojector_sees_four_positions(device=None, dtype=None) -> None:
    unit = HiPPOProjector(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 12, 32, device=device, dtype=dtype, requires_grad=True)
    (slope,) = torch.autograd.grad(unit(X)[0][:, 7].sum(), X)
    assert slope[0].abs().sum(-1).nonzero().flatten().tolist() == [4, 5, 6, 7]


CHILDREN_DECLARATIONS = []
