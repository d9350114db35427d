# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


def lightning_head_dim(embed_dim, at_most):
    """Largest divisor of ``embed_dim`` not above ``at_most``."""
    return next(d for d in range(at_most, 0, -1) if embed_dim % d == 0)


class LightningAttention(GAUBase):
    """Linear attention with one fixed decay per head, slower in later blocks.

    ``S_t = exp(-8 h / H * (1 - block / blocks)) S_{t-1} + k_t v_t^T`` for head h of 1..H, with
    q and k behind SiLU; what is read is normalised over all channels and gated by a sigmoid.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest divisor of D below it is taken.
    Source: Qin et al. 2024, arXiv 2401.04658 [lightningattn2] and 2307.14995 [transnormerllm].
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, head_dim=32, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.heads = embed_dim // lightning_head_dim(embed_dim, head_dim)
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim, bias=False, **self.factory_kwargs)
        self.gate = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.memory = HeadDecayMemory(**{**kwarg_all, **common, **self.factory_kwargs})

    def log_decay(self, q):
        """Logarithm of the decay of each head, (B, H, L) like the first axes of q."""
        depth = self.block_loc[0] / max(1, self.block_loc[1])
        head = torch.arange(1, self.heads + 1, device=q.device, dtype=q.dtype)
        return (-8 * head / self.heads * (1 - depth))[:, None].expand(q.shape[:3])

    def _forward(self, X, **Z):
        heads = self.qkv(X).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        q, k, v = heads.to(torch.promote_types(X.dtype, torch.float32))
        q, k = functional.silu(q), functional.silu(k)
        state = {"q": q, "k": k, "v": v, "log_decay": self.log_decay(q)}
        read = self.memory(X, **{**Z, **state})[1]["read"].transpose(1, 2).flatten(-2)
        Y = functional.rms_norm(read, (self.embed_dim,), eps=1e-5).to(X.dtype)
        return self.out(Y * self.gate(X).sigmoid())


@gau_test
def test_lightningattention_decays_lie_apart(device=None, dtype=None) -> None:
    unit = LightningAttention(embed_dim=128, block_loc=(1, 2), kwarg_all={})
    decay = unit.log_decay(torch.zeros(2, 4, 3, 32))
    assert decay.shape == (2, 4, 3)
    assert decay[0, :, 0].tolist() == [-1.0, -2.0, -3.0, -4.0]


@gau_test
def test_lightningattention_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = LightningAttention(
        embed_dim=48, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype
    )
    X = torch.randn(1, 80, 48, device=device, dtype=dtype)
    changed = torch.cat((X[:, :66], torch.randn_like(X[:, 66:])), dim=1)
    before, after = unit(X)[0], unit(changed)[0]
    assert torch.allclose(before[:, :66], after[:, :66], atol=1e-5)
    assert not torch.allclose(before[:, 66:], after[:, 66:], atol=1e-3)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="HeadDecayMemory",
        requirements="Sum up k v^T of each head, faded by log_decay, and read it with q.",
        inputs=["X", "q", "k", "v", "log_decay"],
        outputs=["Y", "read"],
    )
]
