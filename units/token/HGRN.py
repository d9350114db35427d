# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


class HGRN(GAUBase):
    """Gated recurrence over turning states, whose gates have a floor that rises with depth.

    ``h_t = f_t e^(i p) h_{t-1} + (1 - f_t) c_t`` with D / 2 complex channels, learned phases p
    and, in block i of n, ``f = i/n + (1 - i/n) sigmoid(x W)``; c is SiLU of a map of x. Real and
    imaginary parts are normalised, gated by a swish branch and mapped.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Qin et al. 2023, arXiv 2311.04823 [hgrn].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.sizes = [embed_dim // 2, embed_dim, embed_dim]
        self.parts = nn.Linear(embed_dim, sum(self.sizes), bias=False, **self.factory_kwargs)
        self.phase = nn.Parameter(torch.empty(embed_dim // 2, **self.factory_kwargs))
        self.norm_scale = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.scan = LinearScan(**{**kwarg_all, **common, **self.factory_kwargs})
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self):
        """Phases from one turn in 6 positions down to one in 60,000, as rotary positions have."""
        channels = len(self.phase)
        self.phase.copy_(10000.0 ** (-torch.arange(channels) / channels))

    def _forward(self, X, **Z):
        wide = torch.promote_types(X.dtype, torch.float32)
        forget, candidate, gate = self.parts(X).split(self.sizes, dim=-1)
        # 1 - f, without cancellation.
        share = (1 - self.block_loc[0] / max(1, self.block_loc[1])) * (-forget.to(wide)).sigmoid()
        real, imaginary = functional.silu(candidate.to(wide)).chunk(2, dim=-1)
        decay = torch.polar(1 - share, self.phase.to(wide).expand_as(share))
        state = {"decay": decay, "added": torch.complex(share * real, share * imaginary)}
        states = self.scan(X, **{**Z, **state})[1]["states"]
        h = torch.cat((states.real, states.imag), dim=-1)
        Y = (functional.rms_norm(h, h.shape[-1:], eps=1e-5) * self.norm_scale).to(X.dtype)
        return self.out(Y * functional.silu(gate))


@gau_test
def test_hgrn_shut_branch(device=None, dtype=None) -> None:
    unit = HGRN(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    nn.init.zeros_(unit.parts.weight[48:])
    Y, _ = unit(torch.randn(2, 20, 32, device=device, dtype=dtype))
    assert torch.equal(Y, torch.zeros_like(Y))


@gau_test
def test_hgrn_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = HGRN(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 40, 32, device=device, dtype=dtype)
    changed = torch.cat((X[:, :33], torch.randn_like(X[:, 33:])), dim=1)
    before, after = unit(X)[0], unit(changed)[0]
    assert torch.allclose(before[:, :33], after[:, :33], atol=1e-5)
    assert not torch.allclose(before[:, 33:], after[:, 33:], atol=1e-3)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="LinearScan",
        requirements="Linear recurrence of each channel: decay times what it was, plus added.",
        inputs=["X", "decay", "added"],
        outputs=["Y", "states"],
    )
]
