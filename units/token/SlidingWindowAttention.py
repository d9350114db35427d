# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


def sliding_attention(q, k, v, window):
    """Softmax attention to the last ``window`` positions, in time linear in the length.

    Chunks as long as the window see themselves and the chunk before them.

    Args:
        q: (B, H, L, d), like k and v.
        k: Keys.
        v: Values.
        window: W, positions that are seen, the present one among them.

    Returns:
        (B, H, L, d).
    """
    batch, _, length, _ = q.shape
    window = min(window, length)
    q, k, v = (
        functional.pad(x, (0, 0, 0, -length % window)).unflatten(2, (-1, window)).transpose(1, 2)
        for x in (q, k, v)
    )  # (B, n, H, W, d)
    k, v = (torch.cat((functional.pad(x, (0,) * 6 + (1, -1)), x), dim=3) for x in (k, v))
    step = torch.arange(2 * window, device=q.device)
    distance = step[window:, None] - step
    chunk = torch.arange(q.shape[1], device=q.device)[:, None, None]
    seen = (distance >= 0) & (distance < window) & ((step >= window) | (chunk > 0))
    seen = seen[:, None].repeat(batch, 1, 1, 1)  # (B n, 1, W, 2 W)
    q, k, v = (x.flatten(0, 1) for x in (q, k, v))
    out = functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)
    return out.unflatten(0, (batch, -1)).transpose(1, 2).flatten(2, 3)[:, :, :length]


class SlidingWindowAttention(GAUBase):
    """Causal attention to the nearest positions only, in time linear in the length.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest even divisor of D below it is taken.
    ``window`` is the number of positions seen, the present one among them.
    Source: Beltagy et al. 2020, arXiv 2004.05150 [longformer].
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        head_dim=32,
        window=64,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.head_dim = max(d for d in range(2, head_dim + 1, 2) if embed_dim % d == 0)
        self.window = window
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
        _, Z = self.rotary(X, **{**Z, "q": q, "k": k})
        Y = sliding_attention(Z["q"], Z["k"], v, self.window)
        return self.out(Y.transpose(1, 2).flatten(-2))


@gau_test
def test_slidingwindowattention_is_blind_beyond_its_window(device=None, dtype=None) -> None:
    unit = SlidingWindowAttention(embed_dim=32, block_loc=(0, 1), kwarg_all={}, window=4)
    X = torch.randn(1, 11, 32)
    changed = torch.cat((torch.randn(1, 1, 32), X[:, 1:]), dim=1)
    moved = (unit(X)[0] - unit(changed)[0]).abs().amax(-1)[0]
    assert (moved[:4] > 1e-6).all()
    assert not moved[4:].any()


@gau_test
def test_slidingwindowattention_of_one_is_the_value(device=None, dtype=None) -> None:
    q, k, v = torch.randn(3, 2, 2, 5, 8, device=device, dtype=dtype)
    assert torch.allclose(sliding_attention(q, k, v, 1), v, atol=1e-2)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="RotaryPositionalEmbeddings",
        requirements="Give queries and keys their position; keep their shape (B, H, L, d).",
        inputs=["X", "q", "k"],
        outputs=["Y", "q", "k"],
    )
]
