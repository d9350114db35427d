# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


def adaptive_heads(embed_dim, at_most):
    """Fewest heads of at most ``at_most`` channels that divide ``embed_dim``."""
    return next(h for h in range(-(-embed_dim // at_most), embed_dim + 1) if embed_dim % h == 0)


def adaptive_sums(values, reach):
    """Sum of the last ``1 + reach`` positions; the last of them counts by its fraction.

    Args:
        values: (B, L, H, d).
        reach: How far back each position looks, at least 0, (B, L, H).

    Returns:
        The sums (B, L, H, d), each a difference of two sums from the start.
    """
    length = values.shape[1]
    # total[t] is the sum of the positions before t.
    total = functional.pad(values.cumsum(1), (0, 0, 0, 0, 1, 0))
    here = torch.arange(length, device=values.device)[:, None]
    reach = torch.minimum(reach, here.to(reach.dtype))
    whole = reach.detach().floor()
    first = here - whole.long()
    before = (first - 1).clamp(min=0)

    def pick(position):
        return total.gather(1, position.unsqueeze(-1).expand_as(values))

    last = pick(first) - pick(before)
    return total[:, 1:] - pick(first) + (reach - whole).unsqueeze(-1) * last


class AdaptiveWindow(GAUBase):
    """Sums over a window whose length each position sets for itself.

    ``Y = W (sum of u_s over t - r_t <= s <= t) / (K + 1)`` with ``u = v * sigmoid(g)``, v and g
    linear in X, and a reach ``r_t = K sigmoid(a u_t)`` for each head; a position at the fraction
    f counts f times. Sums from the start make any window cost the same.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``longest_reach`` is K; ``head_dim`` is an upper bound of a head's width.
    Source: Lioutas and Guo 2020, arXiv 2002.03184 [lkconv].
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        longest_reach=15,
        head_dim=32,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.longest = longest_reach
        heads = adaptive_heads(embed_dim, head_dim)
        self.project = nn.Linear(embed_dim, 2 * embed_dim, bias=False, **self.factory_kwargs)
        self.reach = nn.Linear(embed_dim, heads, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, **Z):
        value, gate = self.project(X).chunk(2, dim=-1)
        value = value * gate.sigmoid()
        # Long sums and their small differences need more than half precision.
        wide = torch.promote_types(X.dtype, torch.float32)
        reach = self.longest * self.reach(value).to(wide).sigmoid()
        sums = adaptive_sums(value.to(wide).unflatten(-1, (reach.shape[-1], -1)), reach)
        return self.out((sums.flatten(-2) / (self.longest + 1)).to(X.dtype))


@gau_test
def test_adaptivewindow_counts_the_last_position_by_its_fraction(device=None, dtype=None) -> None:
    values = torch.arange(1.0, 7.0, device=device).view(1, 6, 1, 1)
    sums = adaptive_sums(values, torch.full((1, 6, 1), 1.5, device=device))
    assert sums.flatten().tolist() == [1.0, 3.0, 5.5, 8.0, 10.5, 13.0]


@gau_test
def test_adaptivewindow_reaches_no_further_than_it_may(device=None, dtype=None) -> None:
    unit = AdaptiveWindow(
        embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype, longest_reach=3
    )
    X = torch.randn(1, 9, 32, device=device, dtype=dtype)
    changed = X.clone()
    changed[:, 2] = torch.randn(32, device=device, dtype=dtype)
    difference = (unit(X)[0] - unit(changed)[0]).float().abs().amax(-1)[0]
    assert not difference[:2].any()
    assert (difference[2:4] > 1e-3).all()
    assert (difference[6:] < 1e-3).all()


CHILDREN_DECLARATIONS = []
