# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class MixtureOfExperts(GAUBase):
    """Each position goes through the few experts that its router scores highest.

    ``Y = sum over experts e of p_e * (gelu(X U_e) W_e)``, p a softmax over the k highest router
    scores of the position. There is no capacity, so positions do not compete. All experts, D wide
    each, are computed side by side, and those not chosen count zero.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``chosen_experts`` is k.
    Source: Shazeer et al. 2017, arXiv 1701.06538.
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        experts=4,
        chosen_experts=2,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.chosen = chosen_experts
        hidden = experts * embed_dim
        self.router = nn.Linear(embed_dim, experts, bias=False, **self.factory_kwargs)
        self.up = nn.Linear(embed_dim, hidden, bias=False, **self.factory_kwargs)
        self.down = nn.Linear(hidden, embed_dim, bias=False, **self.factory_kwargs)

    def shares(self, X):
        """How much each expert counts at each position: (B, L, experts), k of them not zero."""
        scores = self.router(X)
        best, index = scores.topk(self.chosen, dim=-1)
        return torch.zeros_like(scores).scatter(-1, index, best.softmax(-1).to(scores.dtype))

    def _forward(self, X, **Z):
        shares = self.shares(X)
        hidden = functional.gelu(self.up(X)).unflatten(-1, (shares.shape[-1], -1))
        return self.down((shares.unsqueeze(-1) * hidden).flatten(-2))


@gau_test
def test_mixtureofexperts_shares_sum_to_one(device=None, dtype=None) -> None:
    unit = MixtureOfExperts(
        embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype
    )
    shares = unit.shares(torch.randn(2, 9, 32, device=device, dtype=dtype)).float()
    assert ((shares > 0).sum(-1) <= 2).all()
    assert torch.allclose(shares.sum(-1), torch.ones(2, 9, device=device), atol=1e-2)


@gau_test
def test_mixtureofexperts_ignores_experts_not_chosen(device=None, dtype=None) -> None:
    unit = MixtureOfExperts(
        embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype
    )
    X = torch.randn(1, 1, 32, device=device, dtype=dtype)
    before = unit(X)[0]
    worst = unit.router(X)[0, 0].argmin().item()
    nn.init.constant_(unit.up.weight[32 * worst : 32 * worst + 32], 5.0)
    assert torch.equal(unit(X)[0], before)


CHILDREN_DECLARATIONS = []
