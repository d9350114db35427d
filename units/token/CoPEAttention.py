# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


def cope_positions(scores, most):
    """Positions that count only what a query lets count.

    Args:
        scores: Of each query for each key, (B, H, L, L).
        most: Positions are cut off here.

    Returns:
        ``p_ts = sum over s <= i <= t of sigmoid(scores_ti)``, of the same shape.
    """
    gates = scores.sigmoid().tril()
    return gates.flip(-1).cumsum(-1).flip(-1).clamp(max=most)


class CoPEAttention(GAUBase):
    """Causal attention with positions that are counted by content, such as words or sentences.

    ``score = (q_t . k_s + q_t . e[p_ts]) / sqrt(d)``; e has a vector for each whole position and
    is interpolated in between.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest divisor of D below it is taken.
    ``positions`` is the number of vectors in e.
    Source: Golovneva et al. 2024, arXiv 2405.18719 [cope].
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        head_dim=32,
        positions=32,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.head_dim = max(d for d in range(1, head_dim + 1) if embed_dim % d == 0)
        table = torch.randn(positions, self.head_dim, **self.factory_kwargs)
        self.table = nn.Parameter(self.head_dim**-0.5 * table)
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim, bias=False, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, **Z):
        wide = torch.promote_types(X.dtype, torch.float32)
        heads = self.qkv(X).unflatten(-1, (3, -1, self.head_dim))
        q, k, v = (x.transpose(1, 2) for x in heads.unbind(2))
        scores = (q @ k.mT).to(wide)
        position = cope_positions(scores, self.table.shape[0] - 1)
        below = position.detach().floor()
        to_table = (q @ self.table.to(q.dtype).mT).to(wide)  # (B, H, L, P)
        low = to_table.gather(-1, below.long())
        high = to_table.gather(-1, position.detach().ceil().long())
        scores = scores + low + (position - below) * (high - low)
        future = torch.ones(scores.shape[-2:], dtype=torch.bool, device=X.device).triu(1)
        scores = (self.head_dim**-0.5 * scores).masked_fill(future, float("-inf"))
        Y = scores.softmax(-1).to(v.dtype) @ v
        return self.out(Y.transpose(1, 2).flatten(-2))


@gau_test
def test_cope_open_gates_count_every_position(device=None, dtype=None) -> None:
    found = cope_positions(torch.full((1, 1, 5, 5), 100.0, device=device), 9)[0, 0]
    step = torch.arange(5.0, device=device)
    assert torch.allclose(found, (step[:, None] - step + 1).clamp(min=0))


@gau_test
def test_cope_positions_are_cut_off(device=None, dtype=None) -> None:
    found = cope_positions(torch.zeros(1, 1, 9, 9, device=device), 3)[0, 0]
    assert found.max() == 3
    assert found[8, 8] == 0.5


CHILDREN_DECLARATIONS = []
