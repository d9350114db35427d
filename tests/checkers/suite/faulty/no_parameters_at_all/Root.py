# GAU_IMPLEMENTATION_FILE
# fault: a block without parameters
# check: initialization
# kind: initialization
# unit: none
# line: none
import torch

from genesys.gau import GAUBase, UnitDecl, gau_test


class Root(GAUBase):
    """Adds what its child makes."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        common.update(self.factory_kwargs)
        self.child = Mixer(**common, **kwarg_all)

    def _forward(self, X, **Z):
        Y, Z = self.child(X, **Z)
        return X + Y, Z


@gau_test
def test_root_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Root(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = [UnitDecl(unitname="Mixer")]
