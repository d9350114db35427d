# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


class MinLSTM(GAUBase):
    """LSTM whose gates read the input only and share out one, so that it runs as a scan.

    ``h_t = (f_t h_{t-1} + i_t g(c_t)) / (f_t + i_t)`` with f and i sigmoids of maps of x, c a map
    of x and ``g(c) = c + 0.5`` where c is at least 0, else ``sigmoid(c)``. A convolution of 4
    taps comes before, and a map of the states after it.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Feng et al. 2024, arXiv 2410.01201.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.conv = ShortConvolution(**{**kwarg_all, **common, **self.factory_kwargs})
        self.scan = LinearScan(**{**kwarg_all, **common, **self.factory_kwargs})
        self.gates = nn.Linear(embed_dim, 3 * embed_dim, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, **Z):
        wide = torch.promote_types(X.dtype, torch.float32)
        forget, write, candidate = self.gates(self.conv(X, **Z)[0]).to(wide).chunk(3, dim=-1)
        candidate = torch.where(candidate >= 0, candidate + 0.5, candidate.sigmoid())
        # f / (f + i), without a division.
        lead = functional.logsigmoid(forget) - functional.logsigmoid(write)
        state = {"decay": lead.sigmoid(), "added": (-lead).sigmoid() * candidate}
        return self.out(self.scan(X, **{**Z, **state})[1]["states"].to(X.dtype))


@gau_test
def test_minlstm_gates_outweigh_each_other(device=None, dtype=None) -> None:
    unit = MinLSTM(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 30, 32, device=device, dtype=dtype)
    changed = torch.cat((torch.randn_like(X[:, :10]), X[:, 10:]), dim=1)
    for bias, forgets in ((-40.0, True), (0.0, False)):
        nn.init.constant_(unit.gates.bias[:32], bias)
        moved = (unit(X)[0] - unit(changed)[0])[:, 13:].abs().max()
        assert (moved < 1e-5) == forgets


@gau_test
def test_minlstm_shut_gate_writes_nothing(device=None, dtype=None) -> None:
    unit = MinLSTM(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    nn.init.constant_(unit.gates.bias[32:64], -200.0)
    assert unit(torch.randn(1, 30, 32, device=device, dtype=dtype))[0].abs().max() < 1e-6


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
