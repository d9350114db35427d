# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, UnitDecl, gau_test


class DDLerpLinear(GAUBase):
    """Linear map of X moved towards the position before it by amounts that the data set.

    ``Y = P(X + delta * (mix + LoRA(base)))`` with a learned ``mix`` (D,). P is a matrix, or
    with ``out_rank`` a LoRA.

    Inputs: X (B, L, D); delta (B, L, D), the position before minus X; base (B, L, D), what
    the amounts depend on. Outputs: Y (B, L, D).
    Source: Peng et al. 2024, arXiv 2404.05892, section 4.1 ("ddlerp").
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        mix_rank=8,
        out_rank=None,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        args = {**kwarg_all, **common, **self.factory_kwargs}
        # Later blocks look back less, as in the published initialisation.
        share = torch.linspace(1, 0, embed_dim, **self.factory_kwargs)
        self.mix = nn.Parameter(share ** (1 - block_loc[0] / max(1, block_loc[1])))
        self.amount = LoRA(**{**args, "rank": mix_rank})
        self.low_rank = out_rank is not None
        if self.low_rank:
            self.project = LoRA(**{**args, "rank": out_rank})
        else:
            self.project = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, delta=None, base=None, **Z):
        if delta is None or base is None:
            raise ValueError("DDLerpLinear needs delta and base of shape (B, L, D) in Z")
        amount, _ = self.amount(base, **Z)
        mixed = torch.addcmul(X, delta, self.mix + amount)
        return self.project(mixed, **Z)[0] if self.low_rank else self.project(mixed)


@gau_test
def test_ddlerplinear_reads_present_and_before(device=None, dtype=None) -> None:
    unit = DDLerpLinear(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    unit.amount.forward = lambda X, **Z: (torch.zeros_like(X), Z)
    X, before = torch.randn(2, 2, 5, 32, device=device, dtype=dtype)
    for mix, seen in ((0.0, X), (1.0, before)):
        nn.init.constant_(unit.mix, mix)
        Y, _ = unit(X, delta=before - X, base=X)
        assert torch.allclose(Y, unit.project(seen), atol=5e-2)


@gau_test
def test_ddlerplinear_amount_follows_base(device=None, dtype=None) -> None:
    unit = DDLerpLinear(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X, delta, base = 5 * torch.randn(3, 2, 5, 32, device=device, dtype=dtype)
    one, other = (unit(X, delta=delta, base=b)[0] for b in (base, -base))
    assert not torch.allclose(one, other, atol=1e-3)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="LoRA",
        requirements="Cheap function of each position that starts near zero.",
        inputs=["X"],
        outputs=["Y"],
    )
]
