# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class ProductKeys(GAUBase):
    """Finds the best of n^2 slots for each position with 2 n products.

    A slot (i, j) has the score ``q1 . a_i + q2 . b_j``, q1 and q2 the halves of a query: the k
    best slots are among the pairs of the k best i and the k best j. Each head has a query and
    sub-keys a, b of its own.

    Inputs: X (B, L, D). Outputs: Y = X; shares (B, L, n^2): a softmax over the k best slots of a
    head, summed up over the heads, and zero for the other slots.
    ``sub_keys`` is n, ``retrieval_heads`` H, ``retrieved`` k.
    Source: Lample et al. 2019, arXiv 1907.05242 [productkeymem].
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        sub_keys=16,
        retrieval_heads=4,
        retrieved=8,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        width = embed_dim // 8
        self.count, self.heads = min(retrieved, sub_keys), retrieval_heads
        self.query = nn.Linear(
            embed_dim, retrieval_heads * 2 * width, bias=False, **self.factory_kwargs
        )
        keys = torch.randn(retrieval_heads, 2, sub_keys, width, **self.factory_kwargs)
        self.keys = nn.Parameter(keys * width**-0.5)

    def scores(self, X):
        """Scores of all sub-keys (B, L, H, 2, n)."""
        # Normed by itself: a batch norm, as published, would look at other positions.
        query = self.query(X).unflatten(-1, (self.heads, -1))
        query = functional.layer_norm(query, query.shape[-1:]).unflatten(-1, (2, -1))
        return (self.keys @ query.unsqueeze(-1)).squeeze(-1)

    def _forward(self, X, **Z):
        scores = self.scores(X)
        best, index = scores.topk(self.count, dim=-1)
        first, second = best.unbind(-2)
        total, pair = (first.unsqueeze(-1) + second.unsqueeze(-2)).flatten(-2).topk(self.count)
        i, j = index.unbind(-2)
        slots = i.gather(-1, pair // self.count) * scores.shape[-1]
        slots = (slots + j.gather(-1, pair % self.count)).flatten(-2)
        # With slots as few as here one row of them all is faster to use than those retrieved.
        shares = total.softmax(-1).flatten(-2)
        row = shares.new_zeros(*X.shape[:2], scores.shape[-1] ** 2)
        return X, {"shares": row.scatter_add(-1, slots, shares)}


@gau_test
def test_productkeys_finds_the_best_of_all(device=None, dtype=None) -> None:
    unit = ProductKeys(
        embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, retrieval_heads=1
    )
    X = torch.randn(2, 5, 32, device=device)
    first, second = unit.scores(X)[:, :, 0].unbind(-2)
    every = (first.unsqueeze(-1) + second.unsqueeze(-2)).flatten(-2)
    expected = every.topk(8).indices.sort().values
    shares = unit(X)[1]["shares"]
    assert torch.equal(shares.nonzero()[:, 2].view_as(expected), expected)
    assert torch.allclose(shares.sum(-1), torch.ones(2, 5, device=device))


CHILDREN_DECLARATIONS = []
