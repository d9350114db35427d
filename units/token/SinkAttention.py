# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


def sink_attention(q, k, v, sink, sink_value, window):
    """Attention to the last ``window`` positions and to a sink, in time linear in the length.

    Args:
        q: Queries (B, H, L, d), scaled, like k and v.
        k: Keys.
        v: Values.
        sink: Scores of the sink, (B, H, L, 1).
        sink_value: Its values, (H, d).
        window: W, positions that are seen, the present one among them.

    Returns:
        (B, H, L, d).
    """
    length = q.shape[2]
    window = min(window, length)
    q, k, v, sink = (
        functional.pad(x, (0, 0, 0, -length % window)).unflatten(2, (-1, window))
        for x in (q, k, v, sink)
    )  # (B, H, n, W, d)
    k, v = (torch.cat((functional.pad(x, (0, 0, 0, 0, 1, -1)), x), dim=3) for x in (k, v))
    step = torch.arange(2 * window, device=q.device)
    distance = step[window:, None] - step
    chunk = torch.arange(q.shape[2], device=q.device)[:, None, None]
    seen = (distance >= 0) & (distance < window) & ((step >= window) | (chunk > 0))
    scores = (q @ k.mT).masked_fill(~seen, float("-inf"))
    weights = torch.cat((scores, sink), dim=-1).softmax(-1).to(v.dtype)
    out = weights[..., :-1] @ v + weights[..., -1:] * sink_value[:, None, None].to(v.dtype)
    return out.flatten(2, 3)[:, :, :length]


class SinkAttention(GAUBase):
    """Causal attention to the nearest positions and to a learned sink that is always there.

    The sink takes up the weight that a query has no use for, which the first positions do in
    attention without a window. It has a key and a value in each head and no position.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest even divisor of D below it is taken.
    ``window`` is the number of positions seen, the present one among them.
    Source: Xiao et al. 2023, arXiv 2309.17453, section 3.3 (learnable sink) [streamingllm].
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
        sink = torch.randn(2, embed_dim // self.head_dim, self.head_dim, **self.factory_kwargs)
        self.sink = nn.Parameter(0.1 * sink)
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
        q = q * self.head_dim**-0.5
        sink_key, sink_value = self.sink.to(q.dtype)
        sink = q @ sink_key[..., None]
        _, Z = self.rotary(X, **{**Z, "q": q, "k": k})
        Y = sink_attention(Z["q"], Z["k"], v, sink, sink_value, self.window)
        return self.out(Y.transpose(1, 2).flatten(-2))


@gau_test
def test_sinkattention_strong_sink_takes_all(device=None, dtype=None) -> None:
    q, k, v = torch.randn(3, 2, 4, 11, 8, device=device, dtype=dtype)
    value = torch.randn(4, 8, device=device, dtype=dtype)
    sink = torch.full((2, 4, 11, 1), 1e3, device=device, dtype=dtype)
    out = sink_attention(q, k, v, sink, value, 3)
    assert torch.allclose(out, value[:, None].expand_as(out), atol=1e-2)


@gau_test
def test_sinkattention_without_sink_is_window_attention(device=None, dtype=None) -> None:
    q, k, v = torch.randn(3, 2, 4, 11, 8, device=device, dtype=dtype)
    none = torch.full((2, 4, 11, 1), float("-inf"), device=device, dtype=dtype)
    out = sink_attention(q, k, v, none, v[0, :, 0], 1)
    assert torch.allclose(out, v, atol=1e-2)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="RotaryPositionalEmbeddings",
        requirements="Give queries and keys their position; keep their shape (B, H, L, d).",
        inputs=["X", "q", "k"],
        outputs=["Y", "q", "k"],
    )
]
