# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, UnitDecl, gau_test


class ProductKeyMemory(GAUBase):
    """Sums up the values of the few memory slots that fit a position best.

    ``Y = sum over retrieved slots i of share_i value_i`` out of about 7 D slots.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Lample et al. 2019, arXiv 1907.05242 [productkeymem].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        sub_keys = round((7 * embed_dim) ** 0.5)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        args = {**kwarg_all, **common, **self.factory_kwargs}
        self.keys = ProductKeys(**{**args, "sub_keys": sub_keys})
        values = torch.randn(sub_keys**2, embed_dim, **self.factory_kwargs)
        self.values = nn.Parameter(values * embed_dim**-0.5)

    def _forward(self, X, **Z):
        _, Z = self.keys(X, **Z)
        return Z["shares"] @ self.values.to(Z["shares"].dtype)


@gau_test
def test_productkeymemory_of_equal_values_gives_them(device=None, dtype=None) -> None:
    unit = ProductKeyMemory(
        embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype
    )
    nn.init.ones_(unit.values)
    Y, _ = unit(torch.randn(2, 5, 32, device=device, dtype=dtype))
    # The shares of each of the four heads sum up to one.
    assert torch.allclose(Y, torch.full_like(Y, 4.0), rtol=1e-2)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="ProductKeys",
        requirements="Give the shares (B, L, n^2) of the slots that fit a position best.",
        inputs=["X"],
        outputs=["Y", "shares"],
    )
]
