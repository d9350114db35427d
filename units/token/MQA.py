# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


class MQA(GAUBase):
    """Causal attention whose query heads all share one head of keys and values.

    ``o_h = softmax(q_h K^T / sqrt(d)) V``, with rotary positions.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest even divisor of D below it is taken.
    Source: Shazeer 2019, arXiv 1911.02150 [mqa].
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, head_dim=16, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.head_dim = max(d for d in range(2, head_dim + 1, 2) if embed_dim % d == 0)
        self.sizes = [embed_dim, self.head_dim, self.head_dim]
        self.qkv = nn.Linear(embed_dim, sum(self.sizes), bias=False, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.rotary = RotaryPositionalEmbeddings(
            embed_dim=embed_dim,
            block_loc=block_loc,
            kwarg_all=kwarg_all,
            **self.factory_kwargs,
            **kwarg_all,
        )

    def _forward(self, X, **Z):
        parts = self.qkv(X).split(self.sizes, dim=-1)
        q, k, v = (x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2) for x in parts)
        _, Z = self.rotary(X, **{**Z, "q": q, "k": k})
        k, v = (x.expand_as(q) for x in (Z["k"], v))
        Y = functional.scaled_dot_product_attention(Z["q"], k, v, is_causal=True)
        return self.out(Y.transpose(1, 2).flatten(-2))


@gau_test
def test_mqa_heads_share_the_first_value(device=None, dtype=None) -> None:
    unit = MQA(embed_dim=64, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 7, 64, device=device, dtype=dtype)
    value = unit.qkv(X[:, :1])[..., 80:].repeat(1, 1, 4)
    assert torch.allclose(unit(X)[0][:, :1], unit.out(value), atol=1e-2)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="RotaryPositionalEmbeddings",
        requirements="Give queries and keys their position; keep their shape (B, H, L, d).",
        inputs=["X", "q", "k"],
        outputs=["Y", "q", "k"],
    )
]
