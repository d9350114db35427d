# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


def retention_head_dim(embed_dim, at_most):
    """Largest even divisor of ``embed_dim`` not above ``at_most`` (rotary turns pairs)."""
    fitting = [d for d in range(2, at_most + 1, 2) if embed_dim % d == 0]
    if not fitting:
        raise ValueError(f"MultiScaleRetention needs an even embed_dim, got {embed_dim}")
    return fitting[-1]


def retention_powers(log_gamma, size):
    """``gamma ** (i - j)`` for j <= i, else 0: (H,) gives (H, size, size)."""
    step = torch.arange(size, device=log_gamma.device)
    span = step[:, None] - step
    return (span.clamp(min=0) * log_gamma[:, None, None]).exp() * (span >= 0)


def retention_chunkwise(q, k, v, log_gamma, chunk):
    """Retention ``o_t = sum over s <= t of gamma^(t-s) (q_t . k_s) v_s``, chunk by chunk.

    Args:
        q: (B, H, L, d), like k.
        k: Keys.
        v: Values of shape (B, H, L, e).
        log_gamma: Logarithm of each head's decay, (H,).
        chunk: C, positions handled by one matrix.

    Returns:
        o of shape (B, H, L, e).
    """
    length = q.shape[2]
    chunk = min(chunk, length)
    padding = (0, 0, 0, -length % chunk)
    q, k, v = (functional.pad(x, padding).unflatten(2, (-1, chunk)) for x in (q, k, v))
    step = torch.arange(chunk, device=q.device)
    decay = retention_powers(log_gamma, chunk)[:, None]  # (H, 1, C, C)
    within = (q @ k.mT) * decay
    to_end = (log_gamma[:, None] * (chunk - 1 - step)).exp()[:, None, :, None]
    states = (k * to_end).mT @ v  # (B, H, n, d, e): what each chunk adds
    # State before chunk z: what earlier chunks c added, decayed by the chunks between.
    between = retention_powers(chunk * log_gamma, q.shape[2])[:, :-1]
    between = functional.pad(between, (0, 0, 1, 0))
    before = (between @ states.flatten(-2)).view_as(states)
    since_start = (log_gamma[:, None] * (step + 1)).exp()[:, None, :, None]
    out = within @ v + (q * since_start) @ before
    return out.flatten(2, 3)[:, :, :length]


class MultiScaleRetention(GAUBase):
    """Attention without softmax whose heads forget at fixed rates from 1/32 downwards.

    Head h decays by ``gamma = 1 - 2^(-5-h)`` per position. Each head's output is normalised
    and gated by a swish branch. Values are twice as wide as queries and keys.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest even divisor of D below it is taken.
    Source: Sun et al. 2023, arXiv 2307.08621, sections 2.2 and 2.3.
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        head_dim=16,
        retention_chunk=32,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.heads = embed_dim // retention_head_dim(embed_dim, head_dim)
        self.chunk = retention_chunk
        self.sizes = [embed_dim, embed_dim, 2 * embed_dim, 2 * embed_dim]
        self.qkvg = nn.Linear(embed_dim, 6 * embed_dim, bias=False, **self.factory_kwargs)
        self.out = nn.Linear(2 * embed_dim, embed_dim, bias=False, **self.factory_kwargs)
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
        *qkv, gate = self.qkvg(X).split(self.sizes, dim=-1)
        q, k, v = (x.unflatten(-1, (self.heads, -1)).transpose(1, 2).to(wide) for x in qkv)
        _, Z = self.rotary(X, **{**Z, "q": q, "k": k * k.shape[-1] ** -0.5})
        head = torch.arange(self.heads, device=X.device, dtype=wide)
        log_gamma = torch.log1p(-(2.0 ** (-5 - head)))
        Y = retention_chunkwise(Z["q"], Z["k"], v, log_gamma, self.chunk)
        Y = functional.layer_norm(Y, Y.shape[-1:]).transpose(1, 2).flatten(-2).to(X.dtype)
        return self.out(functional.silu(gate) * Y)


@gau_test
def test_retention_of_one_key_fades_by_gamma(device=None, dtype=None) -> None:
    one = torch.ones(1, 1, 150, 1)
    first = torch.zeros(1, 1, 150, 1)
    first[:, :, 0] = 1.0
    out = retention_chunkwise(one, first, one, torch.tensor([0.9]).log(), 64)
    expected = 0.9 ** torch.arange(150.0)
    assert torch.allclose(out[0, 0, :, 0], expected, atol=1e-5)


@gau_test
def test_multiscaleretention_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = MultiScaleRetention(
        embed_dim=48, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype
    )
    X = torch.randn(1, 80, 48, device=device, dtype=dtype)
    changed = torch.cat((X[:, :66], torch.randn_like(X[:, 66:])), dim=1)
    before, after = unit(X)[0], unit(changed)[0]
    assert torch.allclose(before[:, :66], after[:, :66], atol=1e-5)
    assert not torch.allclose(before[:, 66:], after[:, 66:], atol=1e-3)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="RotaryPositionalEmbeddings",
        requirements="Give queries and keys their position; keep their shape (B, H, L, d).",
        inputs=["X", "q", "k"],
        outputs=["Y", "q", "k"],
    )
]
