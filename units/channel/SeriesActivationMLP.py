# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class SeriesActivationMLP(GAUBase):
    """Feed-forward layer with a weighted sum of shifted activations in every hidden channel.

    ``Y = (sum of a_i * gelu(X U + b_i)) W`` of hidden width 4 D.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``activations`` is the number of terms.
    Source: Wang et al. 2023, arXiv 2312.17276 [pangupi].
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, activations=3, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        size = (activations, 4 * embed_dim)
        self.up = nn.Linear(embed_dim, size[1], bias=False, **self.factory_kwargs)
        self.down = nn.Linear(size[1], embed_dim, bias=False, **self.factory_kwargs)
        self.scales = nn.Parameter(torch.full(size, 1 / activations, **self.factory_kwargs))
        self.shifts = nn.Parameter(torch.empty(size, **self.factory_kwargs))
        with torch.no_grad():
            self.shifts.copy_(torch.linspace(-1, 1, activations)[:, None].expand(size))

    def _forward(self, X, **Z):
        hidden = self.up(X)
        terms = zip(self.scales, self.shifts, strict=True)
        return self.down(sum(a * functional.gelu(hidden + b) for a, b in terms))


@gau_test
def test_seriesactivationmlp_with_one_term_is_a_plain_layer(device=None, dtype=None) -> None:
    mlp = SeriesActivationMLP(
        embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype
    )
    nn.init.zeros_(mlp.scales[1:])
    nn.init.ones_(mlp.scales[:1])
    nn.init.zeros_(mlp.shifts)
    X = torch.randn(2, 6, 32, device=device, dtype=dtype)
    assert torch.allclose(mlp(X)[0], mlp.down(functional.gelu(mlp.up(X))), atol=1e-2)


CHILDREN_DECLARATIONS = []
