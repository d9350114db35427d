# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


def hgrn2_head_dim(embed_dim, at_most):
    """Largest divisor of ``embed_dim`` not above ``at_most``."""
    return next(d for d in range(at_most, 0, -1) if embed_dim % d == 0)


class HGRN2(GAUBase):
    """Gated recurrence whose state is widened to a matrix by outer products.

    ``S_t = diag(f_t) S_{t-1} + (1 - f_t) v_t^T`` and ``y_t = S_t^T o_t``: the forget gate f is
    also the key, the output gate o the query. In block i of n, ``f = i/n + (1 - i/n)
    sigmoid(x W)``: later blocks remember longer.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest divisor of D below it is taken.
    Source: Qin et al. 2024, arXiv 2404.07904 [hgrn2].
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, head_dim=32, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.heads = embed_dim // hgrn2_head_dim(embed_dim, head_dim)
        self.gates = nn.Linear(embed_dim, 3 * embed_dim, bias=False, **self.factory_kwargs)
        self.norm_scale = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.memory = ChannelDecayMemory(**{**kwarg_all, **common, **self.factory_kwargs})

    def _forward(self, X, **Z):
        heads = self.gates(X).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        o, f, v = heads.to(torch.promote_types(X.dtype, torch.float32))
        # 1 - f without cancellation, and at most 0.99..9, so that log f stays finite.
        forget = (1 - self.block_loc[0] / max(1, self.block_loc[1])) * (-f).sigmoid()
        log_decay = torch.log1p(-forget.clamp(max=1 - 1e-4))
        state = {"q": functional.silu(o), "k": forget, "v": v, "log_decay": log_decay}
        read = self.memory(X, **{**Z, **state})[1]["read"].transpose(1, 2).flatten(-2)
        Y = functional.rms_norm(read, (self.embed_dim,), eps=1e-5) * self.norm_scale
        return self.out(Y.to(X.dtype))


@gau_test
def test_hgrn2_remembers_longer_in_later_blocks(device=None, dtype=None) -> None:
    reach = []
    for block in (0, 3):
        torch.manual_seed(0)
        unit = HGRN2(embed_dim=32, block_loc=(block, 4), kwarg_all={}, device=device, dtype=dtype)
        X = torch.randn(1, 40, 32, device=device, dtype=dtype)
        changed = torch.cat((torch.randn_like(X[:, :1]), X[:, 1:]), dim=1)
        reach.append((unit(X)[0] - unit(changed)[0])[:, 8].float().norm())
    assert reach[1] > 2 * reach[0]


@gau_test
def test_hgrn2_open_and_shut_gates_are_finite(device=None, dtype=None) -> None:
    unit = HGRN2(embed_dim=32, block_loc=(0, 4), kwarg_all={}, device=device, dtype=dtype)
    Y, _ = unit(1e4 * torch.randn(2, 20, 32, device=device, dtype=dtype))
    assert torch.isfinite(Y).all()


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="ChannelDecayMemory",
        requirements="Sum up k v^T of each head, key channels faded by log_decay; read with q.",
        inputs=["X", "q", "k", "v", "log_decay"],
        outputs=["Y", "read"],
    )
]
