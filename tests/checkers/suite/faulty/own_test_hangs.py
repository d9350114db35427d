# GAU_IMPLEMENTATION_FILE
# fault: the unit's own test does not end
# check: unit_tests
# kind: timeout, unit_test
# unit: Mixer
# line: none
# seconds: 3
from torch import nn

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """The unit's own test does not end."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)

    def _forward(self, X, **Z):
        return self.map(X)


@gau_test
def test_mixer(device=None, dtype=None) -> None:
    while True:
        pass


CHILDREN_DECLARATIONS = []
