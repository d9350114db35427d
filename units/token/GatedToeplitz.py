# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test

# Distances are measured in this unit, so that a coefficient does not depend on the length.
TOEPLITZ_SPAN = 512


class GatedToeplitz(GAUBase):
    """Gated Toeplitz matrices: how much is read from a distance is what a network says of it.

    ``Y = W (silu(U x) * (T silu(V x)))`` with ``T_{t,s} = decay^(t-s) FFN(t - s)`` for s <= t, a
    matrix for each channel.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Qin et al. 2023, arXiv 2305.04749 [tnn].
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        toeplitz_width=16,
        toeplitz_decay=0.99,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.decay = toeplitz_decay
        self.project = nn.Linear(embed_dim, 2 * embed_dim, bias=False, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.distance_in = nn.Linear(1, toeplitz_width, **self.factory_kwargs)
        self.distance_mid = nn.Linear(toeplitz_width, toeplitz_width, **self.factory_kwargs)
        self.distance_out = nn.Linear(toeplitz_width, embed_dim, **self.factory_kwargs)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.convolution = LongConvolution(**common, **self.factory_kwargs, **kwarg_all)

    def coefficients(self, length, wide):
        """The first column of each channel's matrix: (D, L)."""
        # Neighbouring distances differ by less than half precision can tell.
        distance = torch.arange(length, device=self.out.weight.device, dtype=wide)
        h = distance[:, None] / TOEPLITZ_SPAN
        layers = (self.distance_in, self.distance_mid, self.distance_out)
        for depth, layer in enumerate(layers):
            h = functional.relu(h) if depth else h
            h = functional.linear(h, layer.weight.to(wide), layer.bias.to(wide))
        # As loud as the mean of the positions that the decay lets through.
        return h.mT * (1 - self.decay) ** 0.5 * self.decay**distance

    def _forward(self, X, **Z):
        gate, value = functional.silu(self.project(X)).chunk(2, dim=-1)
        kernel = self.coefficients(X.shape[1], torch.promote_types(X.dtype, torch.float32))
        mixed, _ = self.convolution(value, **{**Z, "kernel": kernel})
        return self.out(gate * mixed)


@gau_test
def test_gatedtoeplitz_coefficients_do_not_depend_on_the_length(device=None, dtype=None) -> None:
    unit = GatedToeplitz(embed_dim=16, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    long, short = unit.coefficients(40, torch.float32), unit.coefficients(17, torch.float32)
    assert torch.allclose(long[:, :17], short, atol=1e-5)


@gau_test
def test_gatedtoeplitz_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = GatedToeplitz(embed_dim=16, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = 10 * torch.randn(1, 40, 16, device=device, dtype=dtype)
    changed = torch.cat((X[:, :33], 10 * torch.randn_like(X[:, 33:])), dim=1)
    before, after = unit(X)[0], unit(changed)[0]
    assert torch.allclose(before[:, :33], after[:, :33], rtol=1e-2, atol=1e-4)
    assert not torch.allclose(before[:, 33:], after[:, 33:], atol=1e-3)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="LongConvolution",
        requirements="Convolve each channel of X causally with its kernel (E, T).",
        inputs=["X", "kernel"],
        outputs=["Y"],
    )
]
