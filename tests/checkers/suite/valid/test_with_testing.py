# GAU_IMPLEMENTATION_FILE
# about: a test by torch.testing, with a loop over time
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """A test by torch.testing, with a loop over time."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)

    def _forward(self, X, **Z):
        return self.map(X)


@gau_test
def test_mixer_is_a_map(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    Y = torch.stack([unit.map(X[:, t]) for t in range(5)], 1)
    torch.testing.assert_close(unit(X)[0], Y, rtol=1e-3, atol=1e-3)


@gau_test
def test_mixer_expects_its_width(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    try:
        unit(torch.zeros(1, 1, 31, device=device, dtype=dtype))
    except ValueError as error:
        assert "32" in str(error)
    else:
        raise AssertionError("a wrong width is accepted")


CHILDREN_DECLARATIONS = []
