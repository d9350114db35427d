# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


class RWKV6FeedForward(GAUBase):
    """Channel mix: squared-ReLU layer over present and past position, gated by a receptance.

    ``Y = sigmoid(r) * (relu(k) ** 2 W)``, where r and k come from lerped inputs. The hidden
    width is 5/2 D, so that with the low-rank parts of the time mix a block weighs 12 D^2.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Peng et al. 2024, arXiv 2404.05892, section 4.2.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        hidden = 5 * embed_dim // 2
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        args = {**kwarg_all, **common, **self.factory_kwargs}
        self.receptance = LerpLinear(**{**args, "out_dim": embed_dim})
        self.key = LerpLinear(**{**args, "out_dim": hidden})
        self.down = nn.Linear(hidden, embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, **Z):
        delta = functional.pad(X, (0, 0, 1, -1)) - X
        gate = self.receptance(X, **{**Z, "delta": delta})[1]["projected"]
        key = self.key(X, **{**Z, "delta": delta})[1]["projected"]
        return gate.sigmoid() * self.down(key.relu().square())


@gau_test
def test_rwkv6feedforward_sees_one_position_back(device=None, dtype=None) -> None:
    unit = RWKV6FeedForward(
        embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype
    )
    X = torch.randn(1, 8, 32, device=device, dtype=dtype)
    changed = X.clone()
    changed[:, 3] = torch.randn(32, device=device, dtype=dtype)
    moved = (unit(X)[0] != unit(changed)[0]).any(-1)[0]
    assert moved.tolist() == [False, False, False, True, True, False, False, False]


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="LerpLinear",
        requirements="Mix each position with the one before it and map it to out_dim channels.",
        inputs=["X", "delta"],
        outputs=["Y", "projected"],
    )
]
