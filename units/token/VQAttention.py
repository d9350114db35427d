# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


def vq_nearest(k, codes):
    """Index of the nearest of codes (H, S, d) for each key of k (B, H, L, d): (B, H, L)."""
    # |k - c|^2 without |k|^2, which all codes share.
    distance = codes.square().sum(-1)[:, None] - 2 * (k @ codes.mT)
    return distance.argmin(-1)


def vq_chunks(x, chunk):
    """Chunks of x (B, H, L, ...) padded at the end: (B, H, n, C, ...)."""
    padding = (0, 0) * (x.ndim - 3) + (0, -x.shape[2] % chunk)
    return functional.pad(x, padding).unflatten(2, (-1, chunk))


def vq_past(index, v, size, chunk):
    """Counts and mean values of the keys of each code, up to the chunk before the last.

    Args:
        index: Code of each key, (B, H, L).
        v: Values (B, H, L, e).
        size: S, the number of codes.
        chunk: C, positions of a chunk.

    Returns:
        Counts (B, H, n, S) and means (B, H, n, S, e) for each of the n chunks.
    """
    taken = vq_chunks(functional.one_hot(index, size).to(v.dtype), chunk)  # (B, H, n, C, S)
    counts = functional.pad(taken.sum(3).cumsum(2), (0, 0, 2, 0))[:, :, :-2]
    sums = (taken.mT @ vq_chunks(v, chunk)).cumsum(2)
    sums = functional.pad(sums, (0, 0, 0, 0, 2, 0))[:, :, :-2]
    return counts, sums / counts.clamp(min=1)[..., None]


def vq_attention(q, k, v, codes, bias):
    """Softmax attention to quantised keys, in time linear in the length.

    ``o_t = sum over s <= t of softmax_s(q_t . c(k_s) + bias[t - s]) v_s`` where c(k) is the code
    nearest to k. The present chunk and the one before it are seen key by key; all keys before
    them code by code, since equal keys have equal scores.

    Args:
        q: (B, H, L, d), scaled, like k.
        k: Keys before they are quantised.
        v: Values (B, H, L, e).
        codes: (H, S, d).
        bias: By distance below C, the size of a chunk, (H, C); beyond it is zero.

    Returns:
        (B, H, L, e).
    """
    length, chunk = q.shape[2], bias.shape[-1]
    index = vq_nearest(k.detach(), codes.detach())
    counts, means = vq_past(index, v, codes.shape[1], chunk)
    # The gradient goes to the code and straight through to the key.
    taken = functional.one_hot(index, codes.shape[1]).to(k.dtype) @ codes + (k - k.detach())
    q, taken, v = (vq_chunks(x, chunk) for x in (q, taken, v))
    taken, v = (torch.cat((functional.pad(x, (0, 0, 0, 0, 1, -1)), x), dim=3) for x in (taken, v))
    step = torch.arange(2 * chunk, device=q.device)
    distance = step[chunk:, None] - step
    number = torch.arange(q.shape[2], device=q.device)[:, None, None]
    seen = (distance >= 0) & ((step >= chunk) | (number > 0))
    near = functional.pad(bias, (0, chunk))[:, distance.clamp(min=0)]  # (H, C, 2 C)
    scores = (q @ taken.mT + near[:, None]).masked_fill(~seen, float("-inf"))
    old = q @ codes[:, None].mT + counts.log()[..., None, :]
    weights = torch.cat((scores, old), dim=-1).softmax(-1)
    out = weights[..., : 2 * chunk] @ v + weights[..., 2 * chunk :] @ means
    return out.flatten(2, 3)[:, :, :length]


class VQAttention(GAUBase):
    """Causal softmax attention whose keys are rounded to a codebook, exact in linear time.

    Nearness is told by a learned bias for distances within a chunk. Codes learn by gradient, the
    paper's by running means; keys learn from the queries of their own chunk and the next.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest divisor of D below it is taken. ``codes`` is the
    size of each head's codebook, ``chunk`` the number of positions of a chunk.
    Source: Lingle 2023, arXiv 2309.16354 [vqtransformer].
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        head_dim=32,
        codes=32,
        chunk=32,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.head_dim = max(d for d in range(1, head_dim + 1) if embed_dim % d == 0)
        heads = embed_dim // self.head_dim
        codebook = torch.randn(heads, codes, self.head_dim, **self.factory_kwargs)
        self.codes = nn.Parameter(0.5 * codebook)
        slopes = torch.arange(chunk, **self.factory_kwargs) / chunk
        self.bias = nn.Parameter(-slopes.repeat(heads, 1))
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim, bias=False, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, **Z):
        # Which code is nearest, and counts, need more than half precision.
        wide = torch.promote_types(X.dtype, torch.float32)
        heads = self.qkv(X).unflatten(-1, (3, -1, self.head_dim))
        q, k, v = (x.transpose(1, 2).to(wide) for x in heads.unbind(2))
        q = q * self.head_dim**-0.5
        Y = vq_attention(q, k, v, self.codes.to(wide), self.bias.to(wide))
        return self.out(Y.transpose(1, 2).flatten(-2).to(X.dtype))


@gau_test
def test_vq_nearest_finds_the_code(device=None, dtype=None) -> None:
    codes = torch.randn(2, 5, 8, device=device)
    k = codes[None] + 1e-3 * torch.randn(3, 2, 5, 8, device=device)
    assert torch.equal(vq_nearest(k, codes), torch.arange(5, device=device).expand(3, 2, 5))


@gau_test
def test_vq_attention_with_one_code_is_the_mean(device=None, dtype=None) -> None:
    q, k, v = torch.randn(3, 2, 2, 11, 8, device=device)
    codes, bias = torch.randn(2, 1, 8, device=device), torch.zeros(2, 3, device=device)
    count = torch.arange(1.0, 12.0, device=device)[:, None]
    out = vq_attention(q, k, v, codes, bias)
    assert torch.allclose(out, v.cumsum(2) / count, atol=1e-5)


CHILDREN_DECLARATIONS = []
