# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


def mha_head_dim(embed_dim, at_most):
    """Largest even divisor of ``embed_dim`` not above ``at_most`` (rotary turns pairs)."""
    fitting = [d for d in range(2, at_most + 1, 2) if embed_dim % d == 0]
    if not fitting:
        raise ValueError(f"MHA needs an even embed_dim, got {embed_dim}")
    return fitting[-1]


class MHA(GAUBase):
    """Causal multi-head softmax attention with rotary positions.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest even divisor of D below it is taken.
    Source: Vaswani et al. 2017, arXiv 1706.03762 [transformer].
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, head_dim=32, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.head_dim = mha_head_dim(embed_dim, head_dim)
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
        B, L, D = X.shape
        heads = self.qkv(X).view(B, L, 3, -1, self.head_dim)
        q, k, v = (x.transpose(1, 2) for x in heads.unbind(2))  # (B, H, L, d)
        _, Z = self.rotary(X, **{**Z, "q": q, "k": k})
        Y = functional.scaled_dot_product_attention(Z["q"], Z["k"], v, is_causal=True)
        return self.out(Y.transpose(1, 2).reshape(B, L, D))


@gau_test
def test_mha_first_position_is_its_value(device=None, dtype=None) -> None:
    mha = MHA(embed_dim=64, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 7, 64, device=device, dtype=dtype)
    Y, _ = mha(X)
    value = mha.out(mha.qkv(X[:, :1])[..., 128:])
    assert torch.allclose(Y[:, :1], value, atol=1e-2)


@gau_test
def test_mha_does_not_look_ahead(device=None, dtype=None) -> None:
    mha = MHA(embed_dim=48, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 10, 48, device=device, dtype=dtype)
    changed = torch.cat((X[:, :6], torch.randn_like(X[:, 6:])), dim=1)
    before, after = mha(X)[0], mha(changed)[0]
    assert torch.allclose(before[:, :6], after[:, :6], atol=1e-5)
    assert not torch.allclose(before[:, 6:], after[:, 6:], atol=1e-3)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="RotaryPositionalEmbeddings",
        requirements="Give queries and keys their position; keep their shape (B, H, L, d).",
        inputs=["X", "q", "k"],
        outputs=["Y", "q", "k"],
    )
]
