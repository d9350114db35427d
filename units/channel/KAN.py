# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


def kan_features(x, bumps):
    """silu(x) beside G cubic B-splines of x, (..., n) to (..., n + n G).

    The splines' centres are one apart and lie around zero.
    """
    centre = torch.arange(bumps, device=x.device, dtype=x.dtype) - (bumps - 1) / 2
    distance = (x.unsqueeze(-1) - centre).abs()
    near, far = (1 - distance).clamp(min=0), (2 - distance).clamp(min=0)
    spline = (far**3 - 4 * near**3) / 6
    return torch.cat((functional.silu(x), spline.flatten(-2)), dim=-1)


class KAN(GAUBase):
    """Kolmogorov-Arnold network of two layers: a learned function on every edge.

    A layer is ``y_o = sum over i of w_oi silu(x_i) + sum over g of c_oig B_g(x_i)`` with G cubic
    B-splines B. The hidden width D / 2 makes it weigh 8 D^2 at G = 7.

    Inputs: X (B, L, D), of unit scale: splines reach from -G/2 to G/2. Outputs: Y (B, L, D).
    ``spline_bumps`` is G.
    Source: Liu et al. 2024, arXiv 2404.19756; in a language model Ganesh 2024 [kangpt].
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, spline_bumps=7, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.bumps = spline_bumps
        hidden, edge = embed_dim // 2, 1 + spline_bumps
        self.first = nn.Linear(edge * embed_dim, hidden, bias=False, **self.factory_kwargs)
        self.second = nn.Linear(edge * hidden, embed_dim, bias=False, **self.factory_kwargs)
        # At a point the splines of an edge sum up to one: they weigh like one input, not like G.
        nn.init.normal_(self.first.weight, std=embed_dim**-0.5)
        nn.init.normal_(self.second.weight, std=hidden**-0.5)

    def _forward(self, X, **Z):
        hidden = self.first(kan_features(X, self.bumps))
        return self.second(kan_features(hidden, self.bumps))


@gau_test
def test_kan_splines_sum_to_one_and_end(device=None, dtype=None) -> None:
    x = torch.linspace(-2, 2, 41, device=device)[:, None]
    total = kan_features(x, 7)[:, 1:].sum(-1)
    assert torch.allclose(total, torch.ones_like(total), atol=1e-5)
    assert not kan_features(torch.full_like(x, 100.0), 7)[:, 1:].any()


CHILDREN_DECLARATIONS = []
