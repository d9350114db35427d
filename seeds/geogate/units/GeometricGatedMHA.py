# GAU_IMPLEMENTATION_FILE
import math

import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


def geometric_head_dim(embed_dim, at_most):
    """Largest even divisor of ``embed_dim`` not above ``at_most`` (rotary turns pairs)."""
    fitting = [d for d in range(2, at_most + 1, 2) if embed_dim % d == 0]
    if not fitting:
        raise ValueError(f"GeometricGatedMHA needs an even embed_dim, got {embed_dim}")
    return fitting[-1]


def geometric_weights(scores):
    """Share of each key, from the scores (..., L, L) of queries and keys, newest key first.

    A key matches with probability ``p = sigmoid(score)`` and gets what no newer key took:
    ``A_ij = p_ij prod over j < k <= i of (1 - p_ik)``. Scores of -inf take nothing.
    """
    # log p = score + log(1 - p), and log(1 - p) = -softplus(score).
    return (scores - functional.softplus(scores).cumsum(-1)).exp()


class GeometricGatedMHA(GAUBase):
    """Causal attention in which the nearest match comes first, with a gate on the output.

    Each query goes through the keys from the newest to the oldest and takes of each a share of what
    is left, so that near and far copies of a key do not compete as they do in a softmax; if nothing
    matches, nothing is taken. Queries and keys have rotary positions. Head h starts with a share of
    ``2^-(h+1)`` for a key that neither matches nor differs, so heads start with different ranges.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest even divisor of D below it is taken.
    Source: Csordas et al. 2021, arXiv 2110.07732; Tan et al. 2024, arXiv 2410.17980, for one
    direction; Qiu et al. 2025, arXiv 2505.06708, for the gate.
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, head_dim=32, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.head_dim = geometric_head_dim(embed_dim, head_dim)
        self.qkvg = nn.Linear(embed_dim, 4 * embed_dim, bias=False, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        # The score at which sigmoid gives the share of 2^-(h+1).
        start = [-math.log(2.0 ** (h + 1) - 1) for h in range(embed_dim // self.head_dim)]
        self.readiness = nn.Parameter(torch.tensor(start, **self.factory_kwargs))
        self.rotary = RotaryPositionalEmbeddings(
            embed_dim=embed_dim,
            block_loc=block_loc,
            kwarg_all=kwarg_all,
            **self.factory_kwargs,
            **kwarg_all,
        )

    def _forward(self, X, **Z):
        # Logarithms are summed over all keys: half precision would not do.
        wide = torch.promote_types(X.dtype, torch.float32)
        heads = self.qkvg(X).unflatten(-1, (4, -1, self.head_dim))
        q, k, v, gate = (x.transpose(1, 2) for x in heads.unbind(2))  # (B, H, L, d)
        _, Z = self.rotary(X, **{**Z, "q": q, "k": k})
        q, k = Z["q"].to(wide) * self.head_dim**-0.5, Z["k"].to(wide).flip(2)
        scores = q @ k.mT + self.readiness.to(wide)[:, None, None]
        newer = torch.ones(scores.shape[-2:], dtype=torch.bool, device=X.device).triu(1).flip(1)
        weights = geometric_weights(scores.masked_fill(newer, -torch.inf))
        Y = (weights.to(v.dtype) @ v.flip(2)) * gate.sigmoid()
        return self.out(Y.transpose(1, 2).flatten(2))


@gau_test
def test_geometric_weights_go_to_the_newest_match(device=None, dtype=None) -> None:
    far, match = -100.0, 100.0
    weights = geometric_weights(torch.tensor([far, match, match, 0.0]))
    assert torch.allclose(weights, torch.tensor([0.0, 1.0, 0.0, 0.0]))
    halves = geometric_weights(torch.tensor([-torch.inf, 0.0, 0.0, 0.0]))
    assert torch.allclose(halves, torch.tensor([0.0, 0.5, 0.25, 0.125]))


@gau_test
def test_geometricgatedmha_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = GeometricGatedMHA(48, (0, 1), {}, device=device, dtype=dtype)
    X = torch.randn(1, 10, 48, device=device, dtype=dtype)
    changed = torch.cat((X[:, :6], torch.randn_like(X[:, 6:])), dim=1)
    before, after = unit(X)[0], unit(changed)[0]
    assert torch.allclose(before[:, :6], after[:, :6], atol=1e-5)
    assert not torch.allclose(before[:, 6:], after[:, 6:], atol=1e-3)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="RotaryPositionalEmbeddings",
        requirements="Give queries and keys their position; keep their shape (B, H, L, d).",
        inputs=["X", "q", "k"],
        outputs=["Y", "q", "k"],
    )
]
