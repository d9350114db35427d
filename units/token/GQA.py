# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


def gqa_divisor(number, at_most, step=1):
    """Largest divisor of ``number`` among ``step``, ``2 step``, ... up to ``at_most``."""
    return max(d for d in range(step, at_most + 1, step) if number % d == 0)


class GQA(GAUBase):
    """Causal attention in which groups of query heads share a head of keys and values.

    ``o_h = softmax(q_h K_g^T / sqrt(d)) V_g`` for every head h of group g, with rotary positions.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest even divisor of D below it is taken. So is
    ``group``, the query heads of a group, which divides the number of heads.
    Source: Ainslie et al. 2023, arXiv 2305.13245 [gqa].
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        head_dim=16,
        group=2,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.head_dim = gqa_divisor(embed_dim, head_dim, step=2)
        self.group = gqa_divisor(embed_dim // self.head_dim, group)
        self.sizes = [embed_dim, embed_dim // self.group, embed_dim // self.group]
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
        k, v = (x.repeat_interleave(self.group, dim=1) for x in (Z["k"], v))
        Y = functional.scaled_dot_product_attention(Z["q"], k, v, is_causal=True)
        return self.out(Y.transpose(1, 2).flatten(-2))


@gau_test
def test_gqa_first_position_is_its_value(device=None, dtype=None) -> None:
    unit = GQA(embed_dim=64, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 7, 64, device=device, dtype=dtype)
    value = unit.qkv(X[:, :1])[..., 96:].unflatten(-1, (2, 16)).repeat_interleave(2, dim=2)
    assert torch.allclose(unit(X)[0][:, :1], unit.out(value.flatten(-2)), atol=1e-2)


@gau_test
def test_gqa_shares_keys_and_values(device=None, dtype=None) -> None:
    unit = GQA(embed_dim=64, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    assert unit.qkv.weight.shape == (64 + 32 + 32, 64)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="RotaryPositionalEmbeddings",
        requirements="Give queries and keys their position; keep their shape (B, H, L, d).",
        inputs=["X", "q", "k"],
        outputs=["Y", "q", "k"],
    )
]
