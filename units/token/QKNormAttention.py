# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


class QKNormAttention(GAUBase):
    """Causal attention by the cosine of queries and keys, times a learned scale in each head.

    ``score = g_h cos(q_t, k_s)`` never exceeds g_h, however large the inputs are. Positions are
    rotary, which keeps lengths.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest even divisor of D below it is taken.
    ``qk_scale`` is where g starts.
    Source: Henry et al. 2020, arXiv 2010.04245.
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        head_dim=32,
        qk_scale=10.0,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.head_dim = max(d for d in range(2, head_dim + 1, 2) if embed_dim % d == 0)
        heads = embed_dim // self.head_dim
        self.scale = nn.Parameter(torch.full((heads, 1, 1), qk_scale, **self.factory_kwargs))
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
        q = functional.normalize(q, dim=-1) * self.scale.to(q.dtype)
        k = functional.normalize(k, dim=-1)
        _, Z = self.rotary(X, **{**Z, "q": q.to(v.dtype), "k": k.to(v.dtype)})
        Y = functional.scaled_dot_product_attention(Z["q"], Z["k"], v, is_causal=True, scale=1.0)
        return self.out(Y.transpose(1, 2).flatten(-2))


@gau_test
def test_qknormattention_ignores_the_size_of_queries_and_keys(device=None, dtype=None) -> None:
    unit = QKNormAttention(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 9, 32, device=device, dtype=dtype)
    before, _ = unit(X)
    with torch.no_grad():
        unit.qkv.weight[:64] *= 8
    assert torch.allclose(unit(X)[0], before, atol=1e-2)


@gau_test
def test_qknormattention_without_scale_averages(device=None, dtype=None) -> None:
    unit = QKNormAttention(
        embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype, qk_scale=0.0
    )
    X = torch.randn(2, 9, 32, device=device, dtype=dtype)
    mean = unit.qkv(X)[..., 64:].mean(dim=1)
    assert torch.allclose(unit(X)[0][:, -1], unit.out(mean), atol=2e-2)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="RotaryPositionalEmbeddings",
        requirements="Give queries and keys their position; keep their shape (B, H, L, d).",
        inputs=["X", "q", "k"],
        outputs=["Y", "q", "k"],
    )
]
