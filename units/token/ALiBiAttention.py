# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


def alibi_bias(heads, length, device, dtype):
    """What is added to the scores, (H, L, L): minus slope times distance, and no future.

    Head h of 1 ... H has the slope ``2^(-8 h / H)``.
    """
    step = torch.arange(length, device=device, dtype=dtype)
    head = torch.arange(1, heads + 1, device=device, dtype=dtype)
    distance = step[:, None] - step
    bias = -(2.0 ** (-8 * head / heads))[:, None, None] * distance
    return bias.masked_fill(distance < 0, float("-inf"))


class ALiBiAttention(GAUBase):
    """Causal attention that takes a penalty in proportion to distance instead of positions.

    ``score = q_t . k_s / sqrt(d) - m_h (t - s)`` with a fixed slope m_h for each head.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest divisor of D below it is taken.
    Source: Press et al. 2021, arXiv 2108.12409 [alibi].
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, head_dim=16, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.head_dim = max(d for d in range(1, head_dim + 1) if embed_dim % d == 0)
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim, bias=False, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, **Z):
        heads = self.qkv(X).unflatten(-1, (3, -1, self.head_dim))
        q, k, v = (x.transpose(1, 2) for x in heads.unbind(2))
        # Half precision cannot tell long distances apart.
        wide = torch.promote_types(q.dtype, torch.float32)
        bias = alibi_bias(q.shape[1], q.shape[2], X.device, wide).to(q.dtype)
        Y = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return self.out(Y.transpose(1, 2).flatten(-2))


@gau_test
def test_alibi_slopes_halve_for_eight_heads(device=None, dtype=None) -> None:
    bias = alibi_bias(8, 3, device, torch.float32)
    assert torch.allclose(bias[:, 1, 0], -(0.5 ** torch.arange(1.0, 9.0, device=device)))
    assert torch.equal(bias[:, 2, 0], 2 * bias[:, 1, 0])
    assert torch.isinf(bias[:, 0, 1]).all()


@gau_test
def test_alibiattention_prefers_the_near(device=None, dtype=None) -> None:
    """Among equal keys the average leans to the last values."""
    unit = ALiBiAttention(embed_dim=16, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    with torch.no_grad():
        unit.qkv.weight[:32] = 0
        unit.qkv.weight[32:] = torch.eye(16)
        unit.out.weight.copy_(torch.eye(16))
    X = torch.zeros(1, 9, 16, device=device, dtype=dtype)
    X[:, 4:] = 1
    assert (unit(X)[0][0, -1] > 5 / 9).all()


CHILDREN_DECLARATIONS = []
