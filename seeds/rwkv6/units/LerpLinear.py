# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class LerpLinear(GAUBase):
    """Linear map of X moved towards the position before it, channel by channel.

    ``projected = (X + mix * delta) W`` with a learned ``mix`` (D,); a ``mix`` of 1 reads the
    position before only, 0 the present only.

    Inputs: X (B, L, D); delta (B, L, D), the position before minus X.
    Outputs: Y = X; projected (B, L, E), where E is ``out_dim``, or D without it.
    Source: Peng et al. 2024, arXiv 2404.05892, section 4.2.
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, out_dim=None, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        # Later blocks look back less, as in the published initialisation.
        depth = block_loc[0] / max(1, block_loc[1])
        share = torch.linspace(1, 0, embed_dim, **self.factory_kwargs)
        self.mix = nn.Parameter(share ** (1 - depth))
        self.linear = nn.Linear(embed_dim, out_dim or embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, delta=None, **Z):
        if delta is None:
            raise ValueError("LerpLinear needs delta of shape (B, L, D) in Z")
        return X, {"projected": self.linear(torch.addcmul(X, delta, self.mix))}


@gau_test
def test_lerplinear_ends_of_the_mix(device=None, dtype=None) -> None:
    unit = LerpLinear(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X, before = torch.randn(2, 2, 5, 32, device=device, dtype=dtype)
    for mix, seen in ((0.0, X), (1.0, before)):
        nn.init.constant_(unit.mix, mix)
        projected = unit(X, delta=before - X)[1]["projected"]
        assert torch.allclose(projected, unit.linear(seen), atol=5e-2)


@gau_test
def test_lerplinear_width(device=None, dtype=None) -> None:
    unit = LerpLinear(embed_dim=32, block_loc=(1, 2), kwarg_all={}, out_dim=80)
    X = torch.randn(2, 5, 32)
    Y, Z = unit(X, delta=-X)
    assert torch.equal(Y, X)
    assert Z["projected"].shape == (2, 5, 80)


CHILDREN_DECLARATIONS = []
