# GAU_IMPLEMENTATION_FILE
import math

import torch
from torch import nn

from genesys.gau import GAUBase, UnitDecl, gau_test


class LRU(GAUBase):
    """Linear recurrent unit: one diagonal complex state, fed and read by dense maps.

    ``h_t = l h_{t-1} + g * (B x_t)`` and ``y_t = Re(C h_t) + skip * x_t``, with eigenvalues
    ``l = exp(-exp(n) + i exp(p))`` inside the unit circle and gains g that keep the state's size.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Orvieto et al. 2023, arXiv 2303.06349 [resurrectrnn].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        # The real parts of B and C beside the imaginary ones.
        self.feed = nn.Linear(embed_dim, 2 * embed_dim, bias=False, **self.factory_kwargs)
        self.read = nn.Linear(2 * embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.log_rate = nn.Parameter(torch.empty(embed_dim, **self.factory_kwargs))
        self.log_phase = nn.Parameter(torch.empty(embed_dim, **self.factory_kwargs))
        self.log_gain = nn.Parameter(torch.empty(embed_dim, **self.factory_kwargs))
        self.skip = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.scan = LinearScan(**common, **self.factory_kwargs, **kwarg_all)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self):
        """Eigenvalues uniform on the ring of radius 0.5 to 0.99, up to a quarter turn."""
        radius = torch.rand(self.embed_dim).mul(0.99**2 - 0.5**2).add(0.5**2).sqrt()
        self.log_rate.copy_(radius.log().neg().log())
        self.log_phase.copy_(torch.rand(self.embed_dim).clamp(min=1e-3).mul(math.pi / 2).log())
        self.log_gain.copy_((1 - radius**2).log() / 2)

    def eigenvalues(self, wide):
        """The D eigenvalues; products of many, so never in half precision."""
        return torch.complex(-self.log_rate.to(wide).exp(), self.log_phase.to(wide).exp()).exp()

    def _forward(self, X, **Z):
        wide = torch.promote_types(X.dtype, torch.float32)
        real, imaginary = self.feed(X).to(wide).chunk(2, dim=-1)
        added = self.log_gain.to(wide).exp() * torch.complex(real, imaginary)
        decay = self.eigenvalues(wide).expand_as(added)
        _, Z = self.scan(X, **{**Z, "decay": decay, "added": added})
        states = torch.cat((Z["states"].real, Z["states"].imag), dim=-1)
        return self.read(states.to(X.dtype)) + self.skip * X


@gau_test
def test_lru_keeps_eigenvalues_inside_the_circle(device=None, dtype=None) -> None:
    unit = LRU(embed_dim=64, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    radius = unit.eigenvalues(torch.float32).abs()
    assert (radius < 1).all()
    assert (radius > 0.4).all()


@gau_test
def test_lru_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = LRU(embed_dim=16, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 40, 16, device=device, dtype=dtype)
    changed = torch.cat((X[:, :33], torch.randn_like(X[:, 33:])), dim=1)
    before, after = unit(X)[0], unit(changed)[0]
    assert torch.allclose(before[:, :33], after[:, :33], atol=1e-5)
    assert not torch.allclose(before[:, 33:], after[:, 33:], atol=1e-3)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="LinearScan",
        requirements="Give the states of h_t = decay_t h_{t-1} + added_t.",
        inputs=["X", "decay", "added"],
        outputs=["Y", "states"],
    )
]
