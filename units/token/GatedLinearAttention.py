# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


def gla_head_dim(embed_dim, at_most):
    """Largest even divisor of ``embed_dim`` not above ``at_most`` (keys are half as wide)."""
    return next(d for d in range(at_most, 1, -1) if embed_dim % d == 0 and d % 2 == 0)


class GatedLinearAttention(GAUBase):
    """Linear attention whose key channels fade as the data say.

    ``S_t = diag(a_t) S_{t-1} + k_t v_t^T`` and ``y_t = S_t^T q_t`` with ``a_t =
    sigmoid(x_t A B + b)^(1/16)``, A B of low rank. Queries and keys are half as wide as values;
    each head's output is normalised and gated by a swish branch.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest even divisor of D below it is taken.
    Source: Yang et al. 2023, arXiv 2312.06635 [gla].
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        head_dim=32,
        decay_rank=16,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.heads = embed_dim // gla_head_dim(embed_dim, head_dim)
        half = embed_dim // 2
        self.sizes = [half, half, embed_dim, embed_dim]
        self.qkvg = nn.Linear(embed_dim, sum(self.sizes), bias=False, **self.factory_kwargs)
        self.decay_down = nn.Linear(embed_dim, decay_rank, bias=False, **self.factory_kwargs)
        self.decay_up = nn.Linear(decay_rank, half, **self.factory_kwargs)
        self.norm_scale = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.memory = ChannelDecayMemory(**{**kwarg_all, **common, **self.factory_kwargs})

    def _forward(self, X, **Z):
        wide = torch.promote_types(X.dtype, torch.float32)
        *qkv, gate = self.qkvg(X).split(self.sizes, dim=-1)
        log_decay = functional.logsigmoid(self.decay_up(self.decay_down(X)).to(wide)) / 16
        q, k, v, log_decay = (
            x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in (*qkv, log_decay)
        )
        state = {"q": q * q.shape[-1] ** -0.5, "k": k, "v": v, "log_decay": log_decay}
        read = self.memory(X, **{**Z, **state})[1]["read"]
        Y = functional.layer_norm(read, read.shape[-1:]).transpose(1, 2).flatten(-2)
        Y = (Y * self.norm_scale).to(X.dtype)
        return self.out(functional.silu(gate) * Y)


@gau_test
def test_gatedlinearattention_closed_gate(device=None, dtype=None) -> None:
    unit = GatedLinearAttention(
        embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype
    )
    nn.init.zeros_(unit.qkvg.weight[64:])
    Y, _ = unit(torch.randn(2, 20, 32, device=device, dtype=dtype))
    assert torch.equal(Y, torch.zeros_like(Y))


@gau_test
def test_gatedlinearattention_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = GatedLinearAttention(
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
