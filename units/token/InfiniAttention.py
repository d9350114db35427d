# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


def infini_memory(q, k, v, segment):
    """What the memory of all earlier segments gives each position.

    ``sum s(q_t) . s(k_i) v_i / (1 + sum s(q_t) . s(k_i))`` over the i before t's segment, with
    ``s(x) = elu(x) + 1``; the one keeps young memories small.

    Args:
        q: (B, H, L, d), like k and v.
        k: Keys.
        v: Values.
        segment: C, positions of a segment.

    Returns:
        (B, H, L, d).
    """
    length = q.shape[2]
    q, k = functional.elu(q) + 1, functional.elu(k) + 1
    q, k, v = (
        functional.pad(x, (0, 0, 0, -length % segment)).unflatten(2, (-1, segment))
        for x in (q, k, v)
    )  # (B, H, n, C, d)
    values = (k.mT @ v).cumsum(2)
    weights = k.sum(-2).cumsum(2)
    values = functional.pad(values, (0, 0, 0, 0, 1, -1))
    weights = functional.pad(weights, (0, 0, 1, -1))
    out = q @ values / (1 + q @ weights[..., None])
    return out.flatten(2, 3)[:, :, :length]


def infini_local(q, k, v, segment):
    """Causal attention within each segment; shapes as in :func:`infini_memory`."""
    batch, _, length, _ = q.shape
    q, k, v = (
        functional.pad(x, (0, 0, 0, -length % segment)).unflatten(2, (-1, segment))
        for x in (q, k, v)
    )
    q, k, v = (x.transpose(1, 2).flatten(0, 1) for x in (q, k, v))
    out = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    return out.unflatten(0, (batch, -1)).transpose(1, 2).flatten(2, 3)[:, :, :length]


class InfiniAttention(GAUBase):
    """Attention within segments, and a linear memory of all segments before, in each head.

    A learned gate in each head blends the two. Time is linear in the length. Positions are
    rotary within segments; the memory has none.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest even divisor of D below it is taken.
    ``segment`` is the number of positions of a segment.
    Source: Munkhdalai et al. 2024, arXiv 2404.07143 [infiniti].
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        head_dim=32,
        segment=32,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.head_dim = max(d for d in range(2, head_dim + 1, 2) if embed_dim % d == 0)
        self.segment = segment
        heads = embed_dim // self.head_dim
        self.gate = nn.Parameter(torch.zeros(heads, 1, 1, **self.factory_kwargs))
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
        # Sums over the whole past need more than half precision.
        wide = torch.promote_types(X.dtype, torch.float32)
        heads = self.qkv(X).unflatten(-1, (3, -1, self.head_dim))
        q, k, v = (x.transpose(1, 2).to(wide) for x in heads.unbind(2))
        far = infini_memory(q, k, v, self.segment)
        _, Z = self.rotary(X, **{**Z, "q": q, "k": k})
        near = infini_local(Z["q"], Z["k"], v, self.segment)
        share = torch.sigmoid(self.gate.to(wide))
        Y = (1 - share) * near + share * far
        return self.out(Y.transpose(1, 2).flatten(-2).to(X.dtype))


@gau_test
def test_infini_memory_is_empty_at_first(device=None, dtype=None) -> None:
    q, k, v = torch.randn(3, 2, 2, 11, 8, device=device)
    out = infini_memory(q, k, v, 4)
    assert not out[:, :, :4].any()
    assert out[:, :, 4:].abs().sum(-1).all()


@gau_test
def test_infini_memory_of_one_value_tends_to_it(device=None, dtype=None) -> None:
    q, k = torch.zeros(2, 1, 1, 400, 8, device=device)
    v = torch.full((1, 1, 400, 8), 3.0, device=device)
    assert torch.allclose(infini_memory(q, k, v, 4)[0, 0, -1], v[0, 0, 0], atol=1e-2)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="RotaryPositionalEmbeddings",
        requirements="Give queries and keys their position; keep their shape (B, H, L, d).",
        inputs=["X", "q", "k"],
        outputs=["Y", "q", "k"],
    )
]
