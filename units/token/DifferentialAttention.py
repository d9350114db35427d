# GAU_IMPLEMENTATION_FILE
import math

import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


class DifferentialAttention(GAUBase):
    """The difference of two causal attention maps, in which noise that both share cancels.

    ``o = norm((softmax(q1 k1^T / sqrt(d)) - lam softmax(q2 k2^T / sqrt(d))) v) (1 - lam0)`` in
    each head, with values of width 2 d, ``lam = exp(a1 . b1) - exp(a2 . b2) + lam0`` learned,
    and ``lam0 = 0.8 - 0.6 exp(-0.3 i)`` in block i.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` bounds d from above; the largest even d by which 2 d divides D is taken.
    Source: Ye et al. 2024, arXiv 2410.05258.
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, head_dim=16, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.head_dim = max(d for d in range(2, head_dim + 1, 2) if embed_dim % (2 * d) == 0)
        self.lam0 = 0.8 - 0.6 * math.exp(-0.3 * block_loc[0])
        self.lam = nn.Parameter(0.1 * torch.randn(2, 2, self.head_dim, **self.factory_kwargs))
        self.gain = nn.Parameter(torch.ones(2 * self.head_dim, **self.factory_kwargs))
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim, bias=False, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.rotary = RotaryPositionalEmbeddings(
            embed_dim=embed_dim,
            block_loc=block_loc,
            kwarg_all=kwarg_all,
            **self.factory_kwargs,
            **kwarg_all,
        )

    def weight(self):
        """What the second map is multiplied by."""
        first, second = self.lam.prod(dim=0).sum(-1).exp()
        return first - second + self.lam0

    def _forward(self, X, **Z):
        q, k, v = self.qkv(X).chunk(3, dim=-1)
        q, k = (x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2) for x in (q, k))
        v = v.unflatten(-1, (-1, 2 * self.head_dim)).transpose(1, 2)
        _, Z = self.rotary(X, **{**Z, "q": q, "k": k})
        pairs = zip(Z["q"].chunk(2, dim=1), Z["k"].chunk(2, dim=1), strict=True)
        first, second = (
            functional.scaled_dot_product_attention(q, k, v, is_causal=True) for q, k in pairs
        )
        Y = first - self.weight().to(first.dtype) * second
        Y = functional.rms_norm(Y, Y.shape[-1:], self.gain.to(Y.dtype), 1e-5) * (1 - self.lam0)
        return self.out(Y.transpose(1, 2).flatten(-2))


@gau_test
def test_differentialattention_weight_starts_near_its_depth(device=None, dtype=None) -> None:
    for block, expected in ((0, 0.2), (40, 0.8)):
        unit = DifferentialAttention(
            embed_dim=64, block_loc=(block, 41), kwarg_all={}, device=device, dtype=dtype
        )
        assert abs(unit.weight().item() - expected) < 0.5


@gau_test
def test_differentialattention_equal_maps_cancel(device=None, dtype=None) -> None:
    unit = DifferentialAttention(embed_dim=32, block_loc=(0, 1), kwarg_all={})
    unit.lam0 = 1.0
    with torch.no_grad():
        unit.lam.zero_()
        for start in (0, 32):
            unit.qkv.weight[start + 16 : start + 32] = unit.qkv.weight[start : start + 16]
    assert torch.allclose(unit(torch.randn(2, 5, 32))[0], torch.zeros(2, 5, 32), atol=1e-5)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="RotaryPositionalEmbeddings",
        requirements="Give queries and keys their position; keep their shape (B, H, L, d).",
        inputs=["X", "q", "k"],
        outputs=["Y", "q", "k"],
    )
]
