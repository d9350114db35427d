# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test

# As in the memory of the values: a slot keeps at least exp(-5) per position.
SLOT_FASTEST_DECAY = -5.0


def slot_head_dim(embed_dim, at_most):
    """Largest divisor of ``embed_dim`` not above ``at_most``."""
    return next(d for d in range(at_most, 0, -1) if embed_dim % d == 0)


def slot_scores(q, k, write, log_keep, chunk):
    """Products of each query with the keys that the slots hold, chunk by chunk.

    With the slots' keys K (m, d): ``K_t = diag(keep_t) K_{t-1} + write_t k_t^T``, read as
    ``K_t q_t``.

    Args:
        q: (B, H, L, d), like k.
        k: Keys.
        write: How much of k each slot takes, (B, H, L, m).
        log_keep: Logarithm of what each slot keeps, (B, H, L, m), from -5 to 0.
        chunk: C, positions handled by one matrix; at most 16, or the decays overflow.

    Returns:
        Scores (B, H, L, m).
    """
    length = q.shape[2]
    chunk = min(chunk, length)
    padding = (0, 0, 0, -length % chunk)
    q, k, write, log_keep = (
        functional.pad(x, padding).unflatten(2, (-1, chunk)) for x in (q, k, write, log_keep)
    )
    total = log_keep.cumsum(-2)
    last = total[..., -1:, :]
    # Decays relative to the chunk's middle, which cancels out: neither factor can overflow.
    middle = (last / 2).detach()
    write = write * (middle - total).exp()
    within = (total - middle).exp() * ((q @ k.mT).tril() @ write)
    added = (last - middle).exp().mT * (write.mT @ k)
    K = torch.zeros_like(added[:, :, 0])
    before = []
    for keep, new in zip(last.exp().mT.unbind(2), added.unbind(2), strict=True):
        before.append(K)
        K = torch.addcmul(new, keep, K)
    out = within + total.exp() * (q @ torch.stack(before, dim=2).mT)
    return out.flatten(2, 3)[:, :, :length]


class GatedSlotAttention(GAUBase):
    """Softmax attention over a few slots, whose keys and values fade as they are rewritten.

    ``K_t = diag(a_t) K_{t-1} + (1 - a_t) k_t^T``, ``V_t = diag(a_t) V_{t-1} + (1 - a_t) v_t^T``
    and ``y_t = V_t^T softmax(K_t q_t / sqrt(d))``, with ``a_t = sigmoid(x_t W)^(1/8)`` and q, k
    and v behind SiLU. A head has as many slots as channels.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest divisor of D below it is taken.
    Source: Zhang et al. 2024, arXiv 2409.07146; slots as in Peng et al. 2021 [abc].
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, head_dim=32, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.heads = embed_dim // slot_head_dim(embed_dim, head_dim)
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim, bias=False, **self.factory_kwargs)
        self.keep = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.norm_scale = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.memory = ChannelDecayMemory(**{**kwarg_all, **common, **self.factory_kwargs})

    def _forward(self, X, **Z):
        wide = torch.promote_types(X.dtype, torch.float32)
        parts = (*functional.silu(self.qkv(X)).chunk(3, dim=-1), self.keep(X))
        q, k, v, keep = (x.to(wide).unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in parts)
        log_keep = (functional.logsigmoid(keep) / 8).clamp(min=SLOT_FASTEST_DECAY)
        write = -torch.expm1(log_keep)
        scores = slot_scores(q * q.shape[-1] ** -0.5, k, write, log_keep, 16)
        state = {"q": scores.softmax(-1), "k": write, "v": v, "log_decay": log_keep}
        read = self.memory(X, **{**Z, **state})[1]["read"]
        Y = functional.rms_norm(read, read.shape[-1:], eps=1e-5).transpose(1, 2).flatten(-2)
        return self.out((Y * self.norm_scale).to(X.dtype))


@gau_test
def test_slot_scores_of_slots_that_keep_all(device=None, dtype=None) -> None:
    q, k = torch.randn(2, 1, 2, 40, 4)
    write, keep = torch.ones(1, 2, 40, 3), torch.zeros(1, 2, 40, 3)
    scores = slot_scores(q, k, write, keep, 16)
    expected = (q * k.cumsum(2)).sum(-1, keepdim=True).expand_as(scores)
    assert torch.allclose(scores, expected, atol=1e-4)


@gau_test
def test_gatedslotattention_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = GatedSlotAttention(
        embed_dim=48, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype
    )
    X = torch.randn(1, 40, 48, device=device, dtype=dtype)
    changed = torch.cat((X[:, :33], torch.randn_like(X[:, 33:])), dim=1)
    before, after = unit(X)[0], unit(changed)[0]
    assert torch.allclose(before[:, :33], after[:, :33], atol=1e-5)
    assert not torch.allclose(before[:, 33:], after[:, 33:], atol=1e-3)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="ChannelDecayMemory",
        requirements="Sum up k v^T of each head, key channels faded by log_decay; read with q.",
        inputs=["X", "q", "k", "v", "log_decay"],
        outputs=["Y", "read"],
    )
]
