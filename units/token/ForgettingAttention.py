# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


def forgetting_bias(log_forget):
    """What is added to the scores: the sum of ``log_forget`` (B, H, L) from s + 1 to t.

    Returns:
        (B, H, L, L), minus infinity for the future.
    """
    total = log_forget.cumsum(-1)
    bias = total[..., :, None] - total[..., None, :]
    future = torch.ones(bias.shape[-2:], dtype=torch.bool, device=bias.device).triu(1)
    return bias.masked_fill(future, float("-inf"))


class ForgettingAttention(GAUBase):
    """Causal attention with a forget gate: what lies between two positions weakens their tie.

    ``score = q_t . k_s / sqrt(d) + sum over s < i <= t of log f_i`` with
    ``f_i = sigmoid(w . x_i + b)`` in each head. It needs no positions.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest divisor of D below it is taken.
    Source: Lin et al. 2025, arXiv 2503.02130.
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, head_dim=16, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.head_dim = max(d for d in range(1, head_dim + 1) if embed_dim % d == 0)
        heads = embed_dim // self.head_dim
        self.forget = nn.Linear(embed_dim, heads, **self.factory_kwargs)
        with torch.no_grad():
            # Memories of about 8 to 150 positions to start with.
            self.forget.bias.copy_(torch.linspace(2, 5, heads))
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim, bias=False, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, **Z):
        heads = self.qkv(X).unflatten(-1, (3, -1, self.head_dim))
        q, k, v = (x.transpose(1, 2) for x in heads.unbind(2))
        # Sums over the whole past need more than half precision.
        wide = torch.promote_types(X.dtype, torch.float32)
        bias = forgetting_bias(functional.logsigmoid(self.forget(X).to(wide)).mT)
        Y = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype))
        return self.out(Y.transpose(1, 2).flatten(-2))


@gau_test
def test_forgetting_bias_adds_up_what_lies_between(device=None, dtype=None) -> None:
    bias = forgetting_bias(torch.tensor([[[-1.0, -2.0, -4.0]]], device=device))[0, 0]
    inf = float("inf")
    expected = torch.tensor([[0, -inf, -inf], [-2, 0, -inf], [-6, -4, 0.0]], device=device)
    assert torch.equal(bias, expected)


@gau_test
def test_forgettingattention_shut_gate_leaves_the_present(device=None, dtype=None) -> None:
    unit = ForgettingAttention(
        embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype
    )
    with torch.no_grad():
        unit.forget.bias.fill_(-100.0)
    X = torch.randn(2, 7, 32, device=device, dtype=dtype)
    assert torch.allclose(unit(X)[0], unit.out(unit.qkv(X)[..., 64:]), atol=1e-2)


CHILDREN_DECLARATIONS = []
