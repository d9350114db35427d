# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, UnitDecl, gau_test


class RWKV4ChannelMix(GAUBase):
    """Squared-ReLU layer over present and past position, gated by a receptance.

    ``Y = sigmoid(R shift(x)) * (relu(K shift(x)) ** 2 V)`` with a shift each, 7/2 D wide.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Peng et al. 2023, arXiv 2305.13048 [rwkv4].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        hidden = 7 * embed_dim // 2
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.shift_receptance = TokenShift(**common, **self.factory_kwargs, **kwarg_all)
        self.shift_key = TokenShift(**common, **self.factory_kwargs, **kwarg_all)
        self.receptance = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.key = nn.Linear(embed_dim, hidden, bias=False, **self.factory_kwargs)
        self.value = nn.Linear(hidden, embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, **Z):
        receptance = self.receptance(self.shift_receptance(X, **Z)[0])
        key = self.key(self.shift_key(X, **Z)[0])
        return receptance.sigmoid() * self.value(key.relu().square())


@gau_test
def test_rwkv4channelmix_sees_one_position_back(device=None, dtype=None) -> None:
    unit = RWKV4ChannelMix(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 8, 32, device=device, dtype=dtype)
    changed = X.clone()
    changed[:, 3] = torch.randn(32, device=device, dtype=dtype)
    moved = (unit(X)[0] != unit(changed)[0]).any(-1)[0]
    assert moved.tolist() == [False] * 3 + [True] * 2 + [False] * 3


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="TokenShift",
        requirements="Mix each position with the one before it.",
        inputs=["X"],
        outputs=["Y"],
    )
]
