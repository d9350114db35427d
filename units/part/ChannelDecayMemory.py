# GAU_IMPLEMENTATION_FILE
import torch
from torch.nn import functional

from genesys.gau import GAUBase, gau_test

# A channel keeps at least exp(-5) of its state per position. Less would not change what is
# learned, and the factors exp(+-40) of a chunk of 16 stay far from float32's limit of exp(88).
CHANNEL_DECAY_FASTEST = -5.0


def channel_decay_states(keep, added):
    """State before each chunk, from each chunk's decay (B, H, n, d, 1) and sum (B, H, n, d, e)."""
    state = torch.zeros_like(added[:, :, 0])
    before = []
    for factor, new in zip(keep.unbind(2), added.unbind(2), strict=True):
        before.append(state)
        state = torch.addcmul(new, factor, state)
    return torch.stack(before, dim=2)


def channel_decay_chunkwise(q, k, v, log_decay, chunk):
    """Memory with a decay per channel of the keys, chunk by chunk; shapes as in the unit."""
    length = q.shape[2]
    chunk = min(chunk, length)
    padding = (0, 0, 0, -length % chunk)
    q, k, v, log_decay = (
        functional.pad(x, padding).unflatten(2, (-1, chunk)) for x in (q, k, v, log_decay)
    )
    total = log_decay.cumsum(-2)
    last = total[..., -1:, :]
    # Decays relative to the chunk's middle: the product of two factors is the decay between
    # two positions, and neither factor can overflow. The middle cancels out, so it is detached,
    # or rounding errors would pass as gradients from later positions.
    middle = (last / 2).detach()
    q = q * (total - middle).exp()
    k = k * (middle - total).exp()
    within = (q @ k.mT).tril() @ v
    added = (last - middle).exp().mT * (k.mT @ v)
    before = channel_decay_states(last.exp().mT, added.to(v.dtype))
    out = within + q @ (middle.exp().mT * before)
    return out.flatten(2, 3)[:, :, :length]


class ChannelDecayMemory(GAUBase):
    """Matrix memory of each head whose key channels fade at rates of their own.

    ``S_t = diag(exp(log_decay_t)) S_{t-1} + k_t v_t^T`` and ``read_t = q_t^T S_t``, computed
    with matrices over chunks of 16 positions in float32 at least.

    Inputs: X (B, L, D), passed on unchanged; q, k, log_decay (B, H, L, d), the last at most 0
    and taken as -5 where it is less; v (B, H, L, e). Outputs: Y = X; read (B, H, L, e).
    Source: Yang et al. 2023, arXiv 2312.06635, section 4 [gla].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)

    def _forward(self, X, q=None, k=None, v=None, log_decay=None):
        if q is None or k is None or v is None or log_decay is None:
            raise ValueError("ChannelDecayMemory needs q, k, v and log_decay in Z")
        wide = torch.promote_types(X.dtype, torch.float32)
        q, k, v, log_decay = (x.to(wide) for x in (q, k, v, log_decay))
        log_decay = log_decay.clamp(min=CHANNEL_DECAY_FASTEST)
        return X, {"read": channel_decay_chunkwise(q, k, v, log_decay, 16)}


@gau_test
def test_channeldecaymemory_without_decay_sums_the_past(device=None, dtype=None) -> None:
    unit = ChannelDecayMemory(embed_dim=8, block_loc=(0, 1), kwarg_all={})
    one, v = torch.ones(2, 3, 70, 1), torch.randn(2, 3, 70, 5)
    _, Z = unit(torch.zeros(2, 70, 8), q=one, k=one, v=v, log_decay=torch.zeros_like(one))
    assert torch.allclose(Z["read"], v.cumsum(2), atol=1e-4)


@gau_test
def test_channeldecaymemory_fastest_decay_does_not_overflow(device=None, dtype=None) -> None:
    unit = ChannelDecayMemory(embed_dim=8, block_loc=(0, 1), kwarg_all={})
    q, k, v = 100 * torch.randn(3, 2, 3, 50, 8)
    gone = torch.full_like(q, -1e3)
    _, Z = unit(torch.zeros(2, 50, 8), q=q, k=k, v=v, log_decay=gone)
    present = (q * k).sum(-1, keepdim=True) * v
    assert (Z["read"] - present).abs().max() < 0.1 * present.abs().max()


CHILDREN_DECLARATIONS = []
