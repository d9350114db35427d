# GAU_IMPLEMENTATION_FILE
import math

import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


def s5_frequencies(states):
    """Positive imaginary parts of the eigenvalues of HiPPO-LegS's normal part, ascending."""
    root = (torch.arange(states, dtype=torch.float64) + 0.5).sqrt()
    skew = torch.outer(root, root).tril(-1)
    # A real skew matrix times i is hermitian.
    return torch.linalg.eigvalsh(1j * (skew - skew.mT))[states // 2 :]


class S5(GAUBase):
    """State space that all channels share, discretised with a step for each state.

    ``h_t = l h_{t-1} + (l - 1) / a * (B x_t)`` with ``l = exp(step a)``, then
    ``y_t = 2 Re(C h_t) + skip * x_t`` and ``Y = u * sigmoid(W u)`` with ``u = gelu(y)``.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Smith et al. 2022, arXiv 2208.04933 [s5].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        pairs = embed_dim // 2
        # The real parts of B and C beside the imaginary ones; conjugate states are left out.
        self.feed = nn.Linear(embed_dim, 2 * pairs, bias=False, **self.factory_kwargs)
        self.read = nn.Linear(2 * pairs, embed_dim, bias=False, **self.factory_kwargs)
        self.gate = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.log_rate = nn.Parameter(torch.full((pairs,), math.log(0.5), **self.factory_kwargs))
        self.frequency = nn.Parameter(torch.empty(pairs, **self.factory_kwargs))
        self.log_step = nn.Parameter(torch.empty(pairs, **self.factory_kwargs))
        self.skip = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.scan = LinearScan(**common, **self.factory_kwargs, **kwarg_all)
        with torch.no_grad():
            self.frequency.copy_(s5_frequencies(2 * pairs))
            self.log_step.uniform_(math.log(1e-3), math.log(1e-1))

    def _forward(self, X, **Z):
        # Products of numbers near one: half precision would lose the memory.
        wide = torch.promote_types(X.dtype, torch.float32)
        rate = torch.complex(-self.log_rate.to(wide).exp(), self.frequency.to(wide))
        turn = self.log_step.to(wide).exp() * rate
        real, imaginary = self.feed(X).to(wide).chunk(2, dim=-1)
        added = torch.expm1(turn) / rate * torch.complex(real, imaginary)
        _, Z = self.scan(X, **{**Z, "decay": turn.exp().expand_as(added), "added": added})
        states = torch.cat((Z["states"].real, Z["states"].imag), dim=-1)
        Y = functional.gelu(2 * self.read(states.to(X.dtype)) + self.skip * X)
        return Y * self.gate(Y).sigmoid()


@gau_test
def test_s5_starts_with_the_frequencies_of_hippo(device=None, dtype=None) -> None:
    root = (torch.arange(8, dtype=torch.float64) + 0.5).sqrt()
    half = torch.outer(root, root)
    normal = -half.tril(-1) + half.triu(1) - torch.eye(8, dtype=torch.float64) / 2
    found = torch.linalg.eigvals(normal)
    assert torch.allclose(found.real, torch.full_like(found.real, -0.5))
    assert torch.allclose(found.imag.sort().values[4:], s5_frequencies(8))


@gau_test
def test_s5_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = S5(embed_dim=16, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
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
