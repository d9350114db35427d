# GAU_IMPLEMENTATION_FILE
import math

import torch
from torch import nn

from genesys.gau import GAUBase, UnitDecl, gau_test


class RWKV4TimeMix(GAUBase):
    """Attention without queries: each channel averages its past, weighted by key and age.

    ``y_t = sigmoid(r_t) * (sum over s < t of e^(k_s - (t-1-s) w) v_s + e^(k_t + u) v_t) / (the
    same sum without v)``, with r, k and v from positions mixed with the one before.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Peng et al. 2023, arXiv 2305.13048 [rwkv4].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        args = {**kwarg_all, **common, **self.factory_kwargs}
        self.shift_receptance = TokenShift(**args)
        self.shift_key = TokenShift(**args)
        self.shift_value = TokenShift(**args)
        self.receptance = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.key = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.value = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.log_rate = nn.Parameter(torch.empty(embed_dim, **self.factory_kwargs))
        self.bonus = nn.Parameter(torch.full((embed_dim,), math.log(0.3), **self.factory_kwargs))
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.average = WeightedAverage(**args)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self):
        """Rates from e^-5 (first channel) to e^3 (last), more slow ones in deeper blocks."""
        depth = self.block_loc[0] / max(1, self.block_loc[1] - 1)
        share = torch.linspace(0, 1, self.embed_dim)
        self.log_rate.copy_(8 * share ** (0.7 + 1.3 * depth) - 5)

    def _forward(self, X, **Z):
        r = self.receptance(self.shift_receptance(X, **Z)[0])
        score = self.key(self.shift_key(X, **Z)[0])
        v = self.value(self.shift_value(X, **Z)[0])
        rate = self.log_rate.to(torch.promote_types(X.dtype, torch.float32)).exp()
        past = {"score": score, "v": v, "rate": rate, "bonus": self.bonus}
        read = self.average(X, **{**Z, **past})[1]["read"]
        return self.out(r.sigmoid() * read.to(X.dtype))


@gau_test
def test_rwkv4timemix_first_position_is_its_value(device=None, dtype=None) -> None:
    unit = RWKV4TimeMix(embed_dim=32, block_loc=(0, 2), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 9, 32, device=device, dtype=dtype)
    Y, _ = unit(X)
    r = unit.receptance(unit.shift_receptance(X)[0]).sigmoid()
    alone = unit.out(r * unit.value(unit.shift_value(X)[0]))
    assert torch.allclose(Y[:, 0], alone[:, 0], atol=1e-2)
    assert not torch.allclose(Y[:, 1:], alone[:, 1:], atol=1e-2)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="TokenShift",
        requirements="Mix each position with the one before it.",
        inputs=["X"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="WeightedAverage",
        requirements="Average v of each channel over the past, weighted by score, fading by rate.",
        inputs=["X", "score", "v", "rate", "bonus"],
        outputs=["Y", "read"],
    ),
]
