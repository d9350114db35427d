# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, UnitDecl, gau_test


class TokenShiftMixer(GAUBase):
    """Gated values of each position mixed with the one before it; nothing else is remembered.

    ``Y = W (sigmoid(R shift(x)) * (V shift(x)))`` with a shift each: RWKV's time mixing without
    its memory. A stack of n blocks reaches n positions back.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Peng et al. 2023, arXiv 2305.13048 [rwkv4].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.shift_gate = TokenShift(**common, **self.factory_kwargs, **kwarg_all)
        self.shift_value = TokenShift(**common, **self.factory_kwargs, **kwarg_all)
        self.gate = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.value = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, **Z):
        gate = self.gate(self.shift_gate(X, **Z)[0]).sigmoid()
        return self.out(gate * self.value(self.shift_value(X, **Z)[0]))


@gau_test
def test_tokenshiftmixer_sees_one_position_back(device=None, dtype=None) -> None:
    unit = TokenShiftMixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
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
