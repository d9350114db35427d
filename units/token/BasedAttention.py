# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


def based_head_dim(width, at_most):
    """Largest even divisor of ``width`` not above ``at_most`` (rotary turns pairs)."""
    return next(d for d in range(at_most, 1, -1) if width % d == 0 and d % 2 == 0)


def based_features(x):
    """Features (..., 1 + d + d^2) whose products are 1 + s + s^2 / 2 with s that of x (..., d)."""
    square = (x.unsqueeze(-1) * x.unsqueeze(-2)).flatten(-2) * 0.5**0.5
    return torch.cat((torch.ones_like(x[..., :1]), x, square), dim=-1)


def based_global(q, k, v, chunk):
    """Attention over all of the past with weights ``1 + s + s^2 / 2``, ``s = q . k / sqrt(d)``.

    Args:
        q: (B, H, L, d), like k.
        k: Keys.
        v: Values (B, H, L, e).
        chunk: Positions handled by one matrix.
    """
    length, scale = q.shape[2], q.shape[-1] ** -0.25
    chunk = min(chunk, length)
    padding = (0, 0, 0, -length % chunk)
    # The sum of the weights is held as one more value channel; padding comes last.
    v = functional.pad(v, (0, 1), value=1.0)
    q, k, v = (
        functional.pad(x, padding).unflatten(2, (-1, chunk)) for x in (q * scale, k * scale, v)
    )
    score = q @ k.mT
    within = (1 + score + score.square() / 2).tril() @ v
    added = based_features(k).mT @ v
    before = functional.pad(added.cumsum(2)[:, :, :-1], (0, 0, 0, 0, 1, 0))
    read = (within + based_features(q) @ before).flatten(2, 3)[:, :, :length]
    return read[..., :-1] / read[..., -1:]


def based_window(q, k, v, window):
    """Softmax attention over the last ``window`` positions, the present included."""
    length = q.shape[2]
    padding = (0, 0, 0, -length % window)
    q, k, v = (functional.pad(x, padding).unflatten(2, (-1, window)) for x in (q, k, v))
    k, v = (torch.cat((functional.pad(x[:, :, :-1], (0, 0, 0, 0, 1, 0)), x), dim=3) for x in (k, v))
    row = torch.arange(window, device=q.device)[:, None]
    column = torch.arange(2 * window, device=q.device)
    seen = (column > row) & (column <= row + window)
    # The first window has none before it.
    first = torch.arange(q.shape[2], device=q.device)[:, None, None] == 0
    seen = seen & ~(first & (column < window))
    score = (q @ k.mT) * q.shape[-1] ** -0.5
    share = score.masked_fill(~seen, -torch.inf).softmax(-1)
    return (share @ v).flatten(2, 3)[:, :, :length]


class BasedAttention(GAUBase):
    """Half of the heads recall all of the past linearly, half attend sharply to the latest.

    The first half sums ``f(k) v^T`` with features f of the second-order Taylor series of exp,
    and divides by the sum of the weights. The second half is softmax attention with rotary
    positions over ``based_window`` positions.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest even divisor of D / 2 below it is taken.
    ``feature_dim`` is the width of the first half's queries and keys.
    Source: Arora et al. 2024, arXiv 2402.18668 [based].
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        head_dim=32,
        feature_dim=16,
        based_window=16,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        half = embed_dim // 2
        self.heads = half // based_head_dim(half, head_dim)
        self.window = based_window
        narrow = self.heads * feature_dim
        self.sizes = [narrow, narrow, half, half, half, half]
        self.parts = nn.Linear(embed_dim, sum(self.sizes), bias=False, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.rotary = RotaryPositionalEmbeddings(**{**kwarg_all, **common, **self.factory_kwargs})

    def _forward(self, X, **Z):
        wide = torch.promote_types(X.dtype, torch.float32)
        parts = self.parts(X).to(wide).split(self.sizes, dim=-1)
        heads = [x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in parts]
        far = based_global(*heads[:3], 32)
        _, turned = self.rotary(X, **{**Z, "q": heads[3], "k": heads[4]})
        near = based_window(turned["q"], turned["k"], heads[5], self.window)
        return self.out(torch.cat((far, near), dim=1).transpose(1, 2).flatten(-2).to(X.dtype))


@gau_test
def test_based_features_are_the_series(device=None, dtype=None) -> None:
    q, k = torch.randn(2, 9, 4).double()
    s = (q * k).sum(-1)
    weight = (based_features(q) * based_features(k)).sum(-1)
    assert torch.allclose(weight, 1 + s + s**2 / 2)


@gau_test
def test_based_window_forgets(device=None, dtype=None) -> None:
    q, k, v = torch.randn(3, 1, 2, 21, 4)
    later = v.clone()
    later[:, :, 3] = 100.0
    moved = (based_window(q, k, v, 5) - based_window(q, k, later, 5)).abs().amax((0, 1, 3)) > 1e-4
    assert moved.nonzero().flatten().tolist() == [3, 4, 5, 6, 7]


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="RotaryPositionalEmbeddings",
        requirements="Give queries and keys their position; keep their shape (B, H, L, d).",
        inputs=["X", "q", "k"],
        outputs=["Y", "q", "k"],
    )
]
