# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


class MegaEMA(GAUBase):
    """Damped moving averages behind the gates of Mega, with values in the place of attention.

    With ``x' = EMA(x)`` and values ``v = silu(V x)``: a reset gate ``r = silu(R x')``, an update
    gate ``u = sigmoid(U x')``, a candidate ``h = silu(H x' + W (r * v))`` and
    ``y = u * h + (1 - u) * x``.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Ma et al. 2022, arXiv 2209.10655 [mega].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.average = DampedEMA(**common, **self.factory_kwargs, **kwarg_all)
        self.value = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)
        self.gates = nn.Linear(embed_dim, 3 * embed_dim, **self.factory_kwargs)
        self.mix = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, **Z):
        average, _ = self.average(X, **Z)
        reset, update, candidate = self.gates(average).chunk(3, dim=-1)
        value = functional.silu(self.value(X)) * functional.silu(reset)
        candidate = functional.silu(candidate + self.mix(value))
        return X + update.sigmoid() * (candidate - X)


@gau_test
def test_megaema_closed_update_gate_keeps_the_input(device=None, dtype=None) -> None:
    unit = MegaEMA(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    nn.init.zeros_(unit.gates.weight[32:64])
    nn.init.constant_(unit.gates.bias[32:64], -1e3)
    X = torch.randn(2, 9, 32, device=device, dtype=dtype)
    assert torch.allclose(unit(X)[0], X)


@gau_test
def test_megaema_remembers(device=None, dtype=None) -> None:
    unit = MegaEMA(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 20, 32, device=device, dtype=dtype)
    changed = torch.cat((10 * torch.ones_like(X[:, :1]), X[:, 1:]), dim=1)
    assert not torch.allclose(unit(X)[0][:, -1], unit(changed)[0][:, -1], atol=1e-4)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="DampedEMA",
        requirements="Sum up several moving averages of each channel.",
        inputs=["X"],
        outputs=["Y"],
    )
]
