# GAU_IMPLEMENTATION_FILE
import torch
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


def head_decay_states(keep, added):
    """State before each chunk, from each chunk's decay (B, H, n, 1, 1) and sum (B, H, n, d, e)."""
    state = torch.zeros_like(added[:, :, 0])
    before = []
    for factor, new in zip(keep.unbind(2), added.unbind(2), strict=True):
        before.append(state)
        state = torch.addcmul(new, factor, state)
    return torch.stack(before, dim=2)


def head_decay_chunkwise(q, k, v, log_decay, chunk):
    """Memory with one decay per head and position, chunk by chunk; shapes as in the unit."""
    length = q.shape[2]
    chunk = min(chunk, length)
    missing = -length % chunk
    q, k, v = (functional.pad(x, (0, 0, 0, missing)).unflatten(2, (-1, chunk)) for x in (q, k, v))
    total = functional.pad(log_decay, (0, missing)).unflatten(2, (-1, chunk)).cumsum(-1)
    span = total.unsqueeze(-1) - total.unsqueeze(-2)
    future = torch.ones(chunk, chunk, dtype=torch.bool, device=q.device).triu(1)
    # Masked before exp: above the diagonal the exponent is positive and could overflow.
    within = ((q @ k.mT) * span.masked_fill(future, -torch.inf).exp()) @ v
    last = total[..., -1:]
    added = (k * (last - total).exp().unsqueeze(-1)).mT @ v
    before = head_decay_states(last.exp().unsqueeze(-1), added.to(v.dtype))
    out = within + (q * total.exp().unsqueeze(-1)) @ before
    return out.flatten(2, 3)[:, :, :length]


class HeadDecayMemory(GAUBase):
    """Matrix memory of each head that fades by one factor per position.

    ``S_t = exp(log_decay_t) S_{t-1} + k_t v_t^T`` and ``read_t = q_t^T S_t``, computed with
    matrices over chunks of ``memory_chunk`` positions in float32 at least.

    Inputs: X (B, L, D), passed on unchanged; q, k (B, H, L, d); v (B, H, L, e); log_decay
    (B, H, L), at most 0. Outputs: Y = X; read (B, H, L, e).
    Source: Dao and Gu 2024, arXiv 2405.21060, section 6 [mamba2].
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, memory_chunk=32, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.chunk = memory_chunk

    def _forward(self, X, q=None, k=None, v=None, log_decay=None):
        if q is None or k is None or v is None or log_decay is None:
            raise ValueError("HeadDecayMemory needs q, k, v and log_decay in Z")
        wide = torch.promote_types(X.dtype, torch.float32)
        q, k, v, log_decay = (x.to(wide) for x in (q, k, v, log_decay))
        return X, {"read": head_decay_chunkwise(q, k, v, log_decay, self.chunk)}


@gau_test
def test_headdecaymemory_without_decay_sums_the_past(device=None, dtype=None) -> None:
    unit = HeadDecayMemory(embed_dim=8, block_loc=(0, 1), kwarg_all={})
    one, v = torch.ones(2, 3, 70, 1), torch.randn(2, 3, 70, 5)
    _, Z = unit(torch.zeros(2, 70, 8), q=one, k=one, v=v, log_decay=torch.zeros(2, 3, 70))
    assert torch.allclose(Z["read"], v.cumsum(2), atol=1e-4)


@gau_test
def test_headdecaymemory_full_decay_keeps_the_present_only(device=None, dtype=None) -> None:
    unit = HeadDecayMemory(embed_dim=8, block_loc=(0, 1), kwarg_all={})
    one, v = torch.ones(2, 3, 70, 1), torch.randn(2, 3, 70, 5)
    gone = torch.full((2, 3, 70), -1e4)
    _, Z = unit(torch.zeros(2, 70, 8), q=one, k=one, v=v, log_decay=gone)
    assert torch.allclose(Z["read"], v, atol=1e-5)


CHILDREN_DECLARATIONS = []
