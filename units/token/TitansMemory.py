# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


def titans_head_dim(embed_dim, at_most):
    """Largest divisor of ``embed_dim`` not above ``at_most``."""
    return next(d for d in range(at_most, 0, -1) if embed_dim % d == 0)


def titans_decays(log_factor):
    """Product of the factors after s up to t, from logarithms (..., C): (..., C, C), lower."""
    total = log_factor.cumsum(-1)
    future = torch.ones(2 * total.shape[-1:], dtype=torch.bool, device=total.device).triu(1)
    span = total.unsqueeze(-1) - total.unsqueeze(-2)
    return span.masked_fill(future, -torch.inf).exp()


def titans_chunkwise(q, k, v, gates, M, chunk):
    """Linear memory that learns by gradient steps with momentum, chunk by chunk.

    Gradients are taken at the memory before the chunk, so that all of a chunk's steps are sums
    whose weights follow from the gates alone.

    Args:
        q: What is asked, (B, H, L, d), like k and v.
        k: What is learned about.
        v: What is learned.
        gates: Step size, log of the momentum, log of what is kept, each (B, H, L).
        M: The memory before the first position, (H, d, d).
        chunk: C, positions whose gradients are taken at one memory.

    Returns:
        ``M_t^T q_t`` of shape (B, H, L, d).
    """
    length = q.shape[2]
    missing = -length % chunk
    q, k, v = (functional.pad(x, (0, 0, 0, missing)).unflatten(2, (-1, chunk)) for x in (q, k, v))
    step, momentum, keep = (
        functional.pad(x, (0, missing)).unflatten(2, (-1, chunk)) for x in gates
    )
    carried, kept = titans_decays(momentum), titans_decays(keep)
    # What a gradient at s has done to the surprise, and to the memory, by position t.
    to_surprise = carried[..., -1, :] * step
    to_memory = (kept @ carried) * step.unsqueeze(-2)
    memory_weight = keep.cumsum(-1).exp().unsqueeze(-1)
    surprise_kept = momentum.cumsum(-1).exp().unsqueeze(-1)
    surprise_weight = kept @ surprise_kept

    M = M.expand(len(q), -1, -1, -1)
    S = torch.zeros_like(M)
    steps = (
        k,
        v,
        (k * to_memory[..., -1, :, None]).mT,
        (k * to_surprise.unsqueeze(-1)).mT,
        memory_weight[..., -1:, :],
        surprise_weight[..., -1:, :],
        surprise_kept[..., -1:, :],
    )
    memories, surprises, errors = [], [], []
    for key, value, write, surprise, a, b, c in zip(*(x.unbind(2) for x in steps), strict=True):
        error = key @ M - value
        memories.append(M)
        surprises.append(S)
        errors.append(error)
        M, S = a * M + b * S - write @ error, c * S - surprise @ error
    M, S, error = (torch.stack(x, dim=2) for x in (memories, surprises, errors))
    read = memory_weight * (q @ M) + surprise_weight * (q @ S) - ((q @ k.mT) * to_memory) @ error
    return read.flatten(2, 3)[:, :, :length]


class TitansMemory(GAUBase):
    """Long-term memory that learns what surprises it, with momentum and forgetting.

    ``S_t = e_t S_{t-1} - s_t G_t`` and ``M_t = (1 - f_t) M_{t-1} + S_t``, where G_t is the
    gradient of ``|k_t^T M - v_t|^2 / 2`` at the memory before the chunk; ``y_t = M_t^T q_t``.
    Momentum e, step s and forgetting f are set by the data for each head. q, k and v stand
    behind a short convolution and SiLU, q and k of unit length; the output is normalised and
    gated. Steps are at most ``(1 - e_t) / chunk``: a key that returns within a chunk is not
    corrected many times over.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest divisor of D below it is taken.
    ``titans_chunk`` is how many positions share the point at which gradients are taken.
    Source: Behrouz et al. 2025, arXiv 2501.00663, section 3.
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        head_dim=32,
        titans_chunk=8,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        d = titans_head_dim(embed_dim, head_dim)
        self.heads, self.chunk = embed_dim // d, titans_chunk
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim, bias=False, **self.factory_kwargs)
        self.gate = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.rates = nn.Linear(embed_dim, 3 * self.heads, **self.factory_kwargs)
        self.memory = nn.Parameter(torch.empty(self.heads, d, d, **self.factory_kwargs))
        self.norm_scale = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        common = {"block_loc": block_loc, "kwarg_all": kwarg_all, **self.factory_kwargs}
        self.conv = ShortConvolution(**{**kwarg_all, **common, "embed_dim": 3 * embed_dim})
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self):
        """Half steps, momentum of 0.5, and a memory that loses 2% per position."""
        nn.init.normal_(self.memory, std=self.memory.shape[-1] ** -0.5)
        nn.init.zeros_(self.rates.bias)
        nn.init.constant_(self.rates.bias[2 * self.heads :], -4.0)

    def _forward(self, X, **Z):
        mixed = functional.silu(self.conv(self.qkv(X), **Z)[0])
        heads = mixed.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        q, k, v = heads.to(torch.promote_types(X.dtype, torch.float32))
        q, k = (functional.normalize(x, dim=-1, eps=1e-6) for x in (q, k))
        step, momentum, forget = self.rates(X).to(q.dtype).transpose(1, 2).chunk(3, dim=1)
        step = step.sigmoid() * (-momentum).sigmoid() / self.chunk
        gates = (step, functional.logsigmoid(momentum), functional.logsigmoid(-forget))
        read = titans_chunkwise(q, k, v, gates, self.memory.to(q.dtype), self.chunk)
        Y = functional.rms_norm(read, read.shape[-1:], eps=1e-5).transpose(1, 2).flatten(-2)
        Y = (Y * self.norm_scale).to(X.dtype)
        return self.out(Y * functional.silu(self.gate(X)))


@gau_test
def test_titansmemory_learns_what_is_repeated(device=None, dtype=None) -> None:
    q, v = torch.zeros(2, 1, 3, 200, 4)
    q[..., 1], v[..., 2] = 1.0, 5.0
    gate = torch.full((1, 3, 200), 0.5)
    gates = (gate / 16, gate.log(), torch.zeros_like(gate))
    read = titans_chunkwise(q, q, v, gates, torch.randn(3, 4, 4), 8)
    error = (read - v).norm(dim=-1)
    assert (error[..., -1] < 0.01 * error[..., 0]).all()


@gau_test
def test_titansmemory_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = TitansMemory(embed_dim=48, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 40, 48, device=device, dtype=dtype)
    changed = torch.cat((X[:, :33], torch.randn_like(X[:, 33:])), dim=1)
    before, after = unit(X)[0], unit(changed)[0]
    assert torch.allclose(before[:, :33], after[:, :33], atol=1e-5)
    assert not torch.allclose(before[:, 33:], after[:, 33:], atol=1e-3)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="ShortConvolution",
        requirements="Mix each channel with the last few positions.",
        inputs=["X"],
        outputs=["Y"],
    )
]
