# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, UnitDecl, gau_test


class AttentionFree(GAUBase):
    """Average of all values so far, weighted by keys alone and gated by queries (AFT-simple).

    ``y_t = sigmoid(q_t) * sum over s <= t of softmax_s(k_s) v_s``, channel by channel.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Zhai et al. 2021, arXiv 2105.14103, section 3 [aft].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim, bias=False, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.average = WeightedAverage(**{**kwarg_all, **common, **self.factory_kwargs})

    def _forward(self, X, **Z):
        q, k, v = self.qkv(X).chunk(3, dim=-1)
        even = X.new_zeros(self.embed_dim)
        past = {"score": k, "v": v, "rate": even, "bonus": even}
        read = self.average(X, **{**Z, **past})[1]["read"]
        return self.out(q.sigmoid() * read.to(X.dtype))


@gau_test
def test_attentionfree_of_equal_keys_is_the_mean(device=None, dtype=None) -> None:
    unit = AttentionFree(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    nn.init.zeros_(unit.qkv.weight[:64])
    nn.init.eye_(unit.qkv.weight[64:])
    nn.init.eye_(unit.out.weight)
    X = torch.randn(2, 50, 32, device=device, dtype=dtype)
    mean = X.cumsum(1) / torch.arange(1, 51, device=device)[:, None]
    assert torch.allclose(unit(X)[0], mean / 2, atol=5e-2)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="WeightedAverage",
        requirements="Average v of each channel over the past, weighted by score, fading by rate.",
        inputs=["X", "score", "v", "rate", "bonus"],
        outputs=["Y", "read"],
    )
]
