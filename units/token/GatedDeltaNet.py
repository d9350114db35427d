# GAU_IMPLEMENTATION_FILE
import math

import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


def gated_deltanet_head_dim(embed_dim, at_most):
    """Largest divisor of ``embed_dim`` not above ``at_most``."""
    return next(d for d in range(at_most, 0, -1) if embed_dim % d == 0)


class GatedDeltaNet(GAUBase):
    """Delta rule with a gate that can clear the memory at once.

    ``S_t = a_t (I - b_t k_t k_t^T) S_{t-1} + b_t k_t v_t^T`` and ``y_t = S_t^T q_t``, with
    ``a_t = exp(-A softplus(x_t w + c))`` and ``b_t = sigmoid(x_t u)`` of each head; q, k and v
    behind a short convolution and SiLU, q and k of unit length. Each head's output is
    normalised and gated by a swish branch.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest divisor of D below it is taken.
    Source: Yang et al. 2024, arXiv 2412.06464.
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, head_dim=32, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.heads = embed_dim // gated_deltanet_head_dim(embed_dim, head_dim)
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim, bias=False, **self.factory_kwargs)
        self.gate = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.rates = nn.Linear(embed_dim, 2 * self.heads, bias=False, **self.factory_kwargs)
        self.A_log = nn.Parameter(torch.empty(self.heads, **self.factory_kwargs))
        self.dt_bias = nn.Parameter(torch.empty(self.heads, **self.factory_kwargs))
        self.norm_scale = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        common = {"block_loc": block_loc, "kwarg_all": kwarg_all, **self.factory_kwargs}
        self.conv = ShortConvolution(**{**kwarg_all, **common, "embed_dim": 3 * embed_dim})
        self.memory = DeltaRuleMemory(**{**kwarg_all, **common, "embed_dim": embed_dim})
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self):
        """Decay rates spread over 1 to 16, steps over 1e-3 to 1e-1 (log-uniform), as in Mamba2."""
        self.A_log.copy_(torch.empty_like(self.A_log).uniform_(1, 16).log())
        log_dt = torch.empty_like(self.dt_bias).uniform_(math.log(1e-3), math.log(1e-1))
        # The inverse of softplus.
        self.dt_bias.copy_(log_dt.exp().expm1().log())

    def _forward(self, X, **Z):
        mixed = functional.silu(self.conv(self.qkv(X), **Z)[0])
        heads = mixed.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        q, k, v = heads.to(torch.promote_types(X.dtype, torch.float32))
        q, k = (functional.normalize(x, dim=-1, eps=1e-6) for x in (q, k))
        beta, step = self.rates(X).to(q.dtype).chunk(2, dim=-1)
        log_decay = -self.A_log.to(q.dtype).exp() * functional.softplus(step + self.dt_bias)
        gates = {"beta": beta.sigmoid().transpose(1, 2), "log_decay": log_decay.transpose(1, 2)}
        read = self.memory(X, **{**Z, "q": q, "k": k, "v": v, **gates})[1]["read"]
        Y = functional.rms_norm(read, read.shape[-1:], eps=1e-5).transpose(1, 2).flatten(-2)
        Y = (Y * self.norm_scale).to(X.dtype)
        return self.out(Y * functional.silu(self.gate(X)))


@gau_test
def test_gateddeltanet_gate_clears_the_memory(device=None, dtype=None) -> None:
    unit = GatedDeltaNet(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    nn.init.constant_(unit.dt_bias, 100.0)
    X = torch.randn(1, 40, 32, device=device, dtype=dtype)
    changed = torch.cat((torch.randn_like(X[:, :20]), X[:, 20:]), dim=1)
    # The convolution reaches three positions back.
    assert torch.allclose(unit(X)[0][:, 23:], unit(changed)[0][:, 23:], atol=1e-3)


@gau_test
def test_gateddeltanet_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = GatedDeltaNet(embed_dim=48, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 80, 48, device=device, dtype=dtype)
    changed = torch.cat((X[:, :66], torch.randn_like(X[:, 66:])), dim=1)
    before, after = unit(X)[0], unit(changed)[0]
    assert torch.allclose(before[:, :66], after[:, :66], atol=1e-5)
    assert not torch.allclose(before[:, 66:], after[:, 66:], atol=1e-3)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="ShortConvolution",
        requirements="Mix each channel with the last few positions.",
        inputs=["X"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="DeltaRuleMemory",
        requirements="Correct what each head holds under k towards v by beta; read with q.",
        inputs=["X", "q", "k", "v", "beta", "log_decay"],
        outputs=["Y", "read"],
    ),
]
