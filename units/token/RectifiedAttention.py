# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


class RectifiedAttention(GAUBase):
    """Causal attention with rectified scores instead of a softmax, normalised afterwards.

    ``z = norm(sum over s <= t of relu(q_t . k_s / sqrt(d)) v_s)`` and ``o = z sigmoid(w z)`` in
    each head, with rotary positions. Most weights are exactly zero.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest even divisor of D below it is taken.
    Source: Zhang et al. 2021, arXiv 2104.07012 [rela].
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, head_dim=32, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.head_dim = max(d for d in range(2, head_dim + 1, 2) if embed_dim % d == 0)
        self.gain = nn.Parameter(torch.ones(self.head_dim, **self.factory_kwargs))
        self.gate = nn.Parameter(torch.ones(self.head_dim, **self.factory_kwargs))
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim, bias=False, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.rotary = RotaryPositionalEmbeddings(
            embed_dim=embed_dim,
            block_loc=block_loc,
            kwarg_all=kwarg_all,
            **self.factory_kwargs,
            **kwarg_all,
        )

    def _forward(self, X, **Z):
        heads = self.qkv(X).unflatten(-1, (3, -1, self.head_dim))
        q, k, v = (x.transpose(1, 2) for x in heads.unbind(2))
        _, Z = self.rotary(X, **{**Z, "q": q * self.head_dim**-0.5, "k": k})
        weights = (Z["q"] @ Z["k"].mT).relu().tril()
        Y = weights @ v
        Y = functional.rms_norm(Y, Y.shape[-1:], self.gain.to(Y.dtype), 1e-5)
        Y = Y * torch.sigmoid(self.gate.to(Y.dtype) * Y)
        return self.out(Y.transpose(1, 2).flatten(-2))


@gau_test
def test_rectifiedattention_may_attend_to_nothing(device=None, dtype=None) -> None:
    unit = RectifiedAttention(
        embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype
    )
    with torch.no_grad():
        unit.qkv.weight[32:64] = -unit.qkv.weight[:32]
    Y, _ = unit(torch.randn(2, 1, 32, device=device, dtype=dtype))
    assert torch.equal(Y, torch.zeros_like(Y))


@gau_test
def test_rectifiedattention_is_bounded(device=None, dtype=None) -> None:
    unit = RectifiedAttention(
        embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype
    )
    Y, _ = unit(1e3 * torch.randn(2, 50, 32, device=device, dtype=dtype))
    assert Y.abs().max() < 32


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="RotaryPositionalEmbeddings",
        requirements="Give queries and keys their position; keep their shape (B, H, L, d).",
        inputs=["X", "q", "k"],
        outputs=["Y", "q", "k"],
    )
]
