# GAU_IMPLEMENTATION_FILE
import torch
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


class WeightedAverage(GAUBase):
    """Average of all values so far in each channel, weighted by scores that fade.

    A value of s positions ago weighs ``exp(score - (s - 1) rate)``, the present one ``exp(score +
    bonus)``. Sums are held relative to their largest weight, so that nothing overflows.

    Inputs: X (B, L, D), passed on unchanged; score and v (B, L, E); rate (E,), at least 0;
    bonus (E,). Outputs: Y = X; read (B, L, E).
    Source: Peng et al. 2023, arXiv 2305.13048, section 3 [rwkv4].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.scan = LinearScan(**{**kwarg_all, **common, **self.factory_kwargs})

    def _forward(self, X, score=None, v=None, rate=None, bonus=None, **Z):
        if score is None or v is None or rate is None or bonus is None:
            raise ValueError("WeightedAverage needs score, v, rate and bonus in Z")
        wide = torch.promote_types(X.dtype, torch.float32)
        score, v, rate, bonus = (x.to(wide) for x in (score, v, rate, bonus))
        # Logarithm of the largest weight so far. It cancels out: no gradient passes through it.
        age = rate * torch.arange(X.shape[1], device=X.device, dtype=wide)[:, None]
        top = ((score + age).cummax(1).values - age).detach()
        before = functional.pad(top, (0, 0, 1, -1), value=-1e30)
        write = (score - top).exp()
        sums = {
            "decay": (before - top - rate).exp().unsqueeze(2),
            "added": torch.stack((write * v, write), dim=2),
        }
        sums = functional.pad(self.scan(X, **{**Z, **sums})[1]["states"], (0, 0, 0, 0, 1, -1))
        # The past against the present: the larger weight is 1.
        lead = before - score - bonus
        past, now = functional.logsigmoid(lead).exp(), functional.logsigmoid(-lead).exp()
        total, weight = (past.unsqueeze(2) * sums).unbind(2)
        return X, {"read": (total + now * v) / (weight + now)}


@gau_test
def test_weightedaverage_of_equal_scores_is_the_mean(device=None, dtype=None) -> None:
    unit = WeightedAverage(embed_dim=4, block_loc=(0, 1), kwarg_all={})
    v, zero = torch.randn(2, 37, 4), torch.zeros(4)
    _, Z = unit(torch.zeros_like(v), score=torch.zeros_like(v), v=v, rate=zero, bonus=zero)
    assert torch.allclose(Z["read"], v.cumsum(1) / torch.arange(1, 38)[:, None], atol=1e-5)


@gau_test
def test_weightedaverage_of_huge_scores_is_finite(device=None, dtype=None) -> None:
    unit = WeightedAverage(embed_dim=4, block_loc=(0, 1), kwarg_all={})
    v, one = torch.randn(2, 37, 4), torch.ones(4)
    for scale in (1e4, -1e4):
        score = scale * torch.rand(2, 37, 4)
        _, Z = unit(torch.zeros_like(v), score=score, v=v, rate=20 * one, bonus=one)
        assert (Z["read"].abs() <= v.abs().max() + 1e-4).all()


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="LinearScan",
        requirements="Linear recurrence of each channel: decay times what it was, plus added.",
        inputs=["X", "decay", "added"],
        outputs=["Y", "states"],
    )
]
