# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test

RGLRU_C = 8.0


def rglru_head_dim(embed_dim, at_most):
    """Largest divisor of ``embed_dim`` not above ``at_most``."""
    return next(d for d in range(at_most, 0, -1) if embed_dim % d == 0)


class RGLRU(GAUBase):
    """Griffin's recurrent layer: a real-gated linear recurrence beside a GELU branch.

    ``h_t = a_t h_{t-1} + sqrt(1 - a_t^2) (i_t u_t)`` with ``a_t = exp(-8 softplus(p) r_t)``;
    r and i are sigmoids of u through matrices of each head, u a short convolution of x W. Then
    ``y = (gelu(x V) h) O``.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest divisor of D below it is taken.
    Source: De et al. 2024, arXiv 2402.19427, section 2.4 [griffin].
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, head_dim=32, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        d = rglru_head_dim(embed_dim, head_dim)
        self.branches = nn.Linear(embed_dim, 2 * embed_dim, bias=False, **self.factory_kwargs)
        self.gate_weight = nn.Parameter(
            torch.empty(embed_dim // d, d, 2 * d, **self.factory_kwargs)
        )
        self.gate_bias = nn.Parameter(torch.zeros(embed_dim // d, 2 * d, **self.factory_kwargs))
        self.rate = nn.Parameter(torch.empty(embed_dim, **self.factory_kwargs))
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.conv = ShortConvolution(**{**kwarg_all, **common, **self.factory_kwargs})
        self.scan = LinearScan(**{**kwarg_all, **common, **self.factory_kwargs})
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self):
        """Decays a^8 spread evenly over 0.9 to 0.999 where the gate r is open."""
        nn.init.normal_(self.gate_weight, std=self.gate_weight.shape[1] ** -0.5)
        share = torch.linspace(0.9, 0.999, self.embed_dim)
        # The inverse of softplus.
        self.rate.copy_((-share.log() / RGLRU_C).expm1().log())

    def _forward(self, X, **Z):
        wide = torch.promote_types(X.dtype, torch.float32)
        side, u = self.branches(X).chunk(2, dim=-1)
        u = self.conv(u, **Z)[0]
        heads = u.unflatten(-1, (self.gate_weight.shape[0], -1))
        gates = torch.einsum("blhd,hde->blhe", heads, self.gate_weight) + self.gate_bias
        r, i = (x.flatten(-2) for x in gates.to(wide).sigmoid().chunk(2, dim=-1))
        log_keep = -RGLRU_C * functional.softplus(self.rate.to(wide)) * r
        # A gate r of zero keeps all: the root's slope would be infinite there.
        scale = (-torch.expm1(2 * log_keep)).clamp(min=1e-30).sqrt()
        state = {"decay": log_keep.exp(), "added": scale * i * u}
        h = self.scan(X, **{**Z, **state})[1]["states"].to(X.dtype)
        return self.out(functional.gelu(side) * h)


@gau_test
def test_rglru_decays_start_near_one(device=None, dtype=None) -> None:
    unit = RGLRU(embed_dim=64, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    keep = (-RGLRU_C * functional.softplus(unit.rate.float())).exp()
    assert keep.min() > 0.85
    assert keep.max() < 1.0


@gau_test
def test_rglru_shut_branch(device=None, dtype=None) -> None:
    unit = RGLRU(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    nn.init.zeros_(unit.branches.weight[:32])
    Y, _ = unit(torch.randn(2, 20, 32, device=device, dtype=dtype))
    assert torch.equal(Y, torch.zeros_like(Y))


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="ShortConvolution",
        requirements="Mix each channel with the last few positions.",
        inputs=["X"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="LinearScan",
        requirements="Linear recurrence of each channel: decay times what it was, plus added.",
        inputs=["X", "decay", "added"],
        outputs=["Y", "states"],
    ),
]
