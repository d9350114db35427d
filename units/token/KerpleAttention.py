# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class KerpleAttention(GAUBase):
    """Causal attention with a learned penalty for the logarithm of the distance.

    ``score = q_t . k_s / sqrt(d) - a_h log(1 + b_h (t - s))`` with positive a and b learned in
    each head. It needs no positions and works beyond the lengths it was trained on.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest divisor of D below it is taken.
    Source: Chi et al. 2022, arXiv 2205.09921 [kerple].
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, head_dim=16, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.head_dim = max(d for d in range(1, head_dim + 1) if embed_dim % d == 0)
        slopes = torch.linspace(-1, 2, embed_dim // self.head_dim, **self.factory_kwargs)
        self.kernel = nn.Parameter(torch.stack((slopes, torch.zeros_like(slopes))))
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim, bias=False, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)

    def bias(self, length, dtype):
        """What is added to the scores, (H, L, L); minus infinity for the future."""
        step = torch.arange(length, device=self.kernel.device, dtype=dtype)
        distance = step[:, None] - step
        a, b = functional.softplus(self.kernel.to(dtype))[..., None, None]
        bias = -a * torch.log1p(b * distance.clamp(min=0))
        return bias.masked_fill(distance < 0, float("-inf"))

    def _forward(self, X, **Z):
        heads = self.qkv(X).unflatten(-1, (3, -1, self.head_dim))
        q, k, v = (x.transpose(1, 2) for x in heads.unbind(2))
        # Half precision cannot tell long distances apart.
        bias = self.bias(X.shape[1], torch.promote_types(X.dtype, torch.float32))
        Y = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype))
        return self.out(Y.transpose(1, 2).flatten(-2))


@gau_test
def test_kerpleattention_penalty_grows_ever_slower(device=None, dtype=None) -> None:
    unit = KerpleAttention(embed_dim=64, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    last = unit.bias(50, torch.float32)[:, -1].flip(-1)
    steps = last.diff(dim=-1)
    assert torch.equal(last[:, 0], torch.zeros_like(last[:, 0]))
    assert (steps < 0).all()
    assert (steps.diff(dim=-1) > 0).all()


CHILDREN_DECLARATIONS = []
