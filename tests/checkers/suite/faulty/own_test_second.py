# GAU_IMPLEMENTATION_FILE
# fault: the second of three tests fails, in a helper
# check: unit_tests
# kind: unit_test
# unit: Mixer
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


def mixer_same(a, b):
    assert torch.equal(a, b), "differ"  # FAULT


class Mixer(GAUBase):
    """The second of three tests fails, in a helper."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)

    def _forward(self, X, **Z):
        return self.map(X)


@gau_test
def test_first(device=None, dtype=None) -> None:
    mixer_same(torch.ones(2), torch.ones(2))


@gau_test
def test_second(device=None, dtype=None) -> None:
    mixer_same(torch.ones(2), torch.zeros(2))


@gau_test
def test_third(device=None, dtype=None) -> None:
    assert False


CHILDREN_DECLARATIONS = []
