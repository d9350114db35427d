# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


class PEER(GAUBase):
    """Retrieves a few experts of one hidden neuron each out of many, by product keys.

    ``Y = sum over retrieved experts i of share_i gelu(u_i . x) v_i`` out of about 3 D experts.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: He 2024, arXiv 2407.04153 [peer].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        sub_keys = round((3 * embed_dim) ** 0.5)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        args = {**kwarg_all, **common, **self.factory_kwargs}
        self.keys = ProductKeys(**{**args, "sub_keys": sub_keys})
        size = (sub_keys**2, embed_dim)
        self.down = nn.Parameter(torch.randn(size, **self.factory_kwargs) * embed_dim**-0.5)
        self.up = nn.Parameter(torch.randn(size, **self.factory_kwargs) * embed_dim**-0.5)

    def _forward(self, X, **Z):
        _, Z = self.keys(X, **Z)
        hidden = functional.gelu(functional.linear(X, self.down))
        return (Z["shares"] * hidden).to(X.dtype) @ self.up.to(X.dtype)


@gau_test
def test_peer_of_equal_experts_is_one_neuron(device=None, dtype=None) -> None:
    unit = PEER(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    nn.init.constant_(unit.down, 0.1)
    nn.init.ones_(unit.up)
    X = torch.rand(2, 5, 32, device=device, dtype=dtype)
    neuron = functional.gelu(0.1 * X.sum(-1, keepdim=True))
    # The shares of each of the four heads sum up to one.
    assert torch.allclose(unit(X)[0], (4 * neuron).expand_as(X), rtol=5e-2)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="ProductKeys",
        requirements="Give the shares (B, L, n^2) of the experts that fit a position best.",
        inputs=["X"],
        outputs=["Y", "shares"],
    )
]
