# GAU_IMPLEMENTATION_FILE
import math

import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test

# Positions are measured in this unit, so that a filter does not depend on the length.
HYENA_SPAN = 512


def hyena_positions(length, features, device, dtype):
    """Features (L, F) of each position: itself, then cosines and sines of growing frequency."""
    time = torch.arange(length, device=device, dtype=dtype)[:, None] / HYENA_SPAN
    turns = 2 * math.pi * time * torch.arange(1, features // 2 + 1, device=device)
    return torch.cat((time, turns.cos(), turns.sin()), dim=-1)


class Hyena(GAUBase):
    """Hyena of order 2: gates and long convolutions in turn, with filters made by a network.

    ``Y = W (x2 * (h2 conv (x1 * (h1 conv v))))``, where v, x1 and x2 are projections behind a
    short convolution and ``h(t) = FFN(t) * exp(-decay t)`` has sines as activations.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Poli et al. 2023, arXiv 2302.10866 [hyena].
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        filter_width=16,
        filter_features=9,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"block_loc": block_loc, "kwarg_all": kwarg_all}
        args = {**kwarg_all, **common, **self.factory_kwargs}
        self.features = filter_features
        self.project = nn.Linear(embed_dim, 3 * embed_dim, bias=False, **self.factory_kwargs)
        self.short = ShortConvolution(**{**args, "embed_dim": 3 * embed_dim})
        self.long = LongConvolution(**{**args, "embed_dim": embed_dim})
        self.filter_in = nn.Linear(filter_features, filter_width, **self.factory_kwargs)
        self.filter_mid = nn.Linear(filter_width, filter_width, **self.factory_kwargs)
        self.filter_out = nn.Linear(filter_width, 2 * embed_dim, bias=False, **self.factory_kwargs)
        self.sharpness = nn.Parameter(torch.ones(filter_width, **self.factory_kwargs))
        self.log_decay = nn.Parameter(torch.empty(2 * embed_dim, **self.factory_kwargs))
        self.skip = nn.Parameter(torch.ones(2, embed_dim, **self.factory_kwargs))
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        with torch.no_grad():
            # Filters fade over 4 to 256 positions.
            self.log_decay.copy_(-torch.linspace(4, 256, embed_dim).log().repeat(2))

    def filters(self, length, wide):
        """Both filters' first ``length`` taps: (2, D, L)."""

        def linear(layer, x):
            bias = None if layer.bias is None else layer.bias.to(wide)
            return functional.linear(x, layer.weight.to(wide), bias)

        # Neighbouring positions differ by less than half precision can tell.
        decay = self.log_decay.to(wide).exp()
        h = hyena_positions(length, self.features, decay.device, wide)
        for layer in (self.filter_in, self.filter_mid):
            h = (self.sharpness.to(wide) * linear(layer, h)).sin()
        position = torch.arange(length, device=decay.device, dtype=wide)
        # Divided by how far it reaches, so that wide filters are no louder.
        h = linear(self.filter_out, h).mT * decay.sqrt()[:, None]
        return (h * (-decay[:, None] * position).exp()).unflatten(0, (2, -1))

    def _forward(self, X, **Z):
        short, _ = self.short(self.project(X), **Z)
        Y, *gates = short.chunk(3, dim=-1)
        kernels = self.filters(X.shape[1], torch.promote_types(X.dtype, torch.float32))
        for gate, kernel, skip in zip(gates, kernels, self.skip, strict=True):
            mixed, _ = self.long(Y, **{**Z, "kernel": kernel})
            Y = gate * (mixed + skip * Y)
        return self.out(Y)


@gau_test
def test_hyena_filters_do_not_depend_on_the_length(device=None, dtype=None) -> None:
    unit = Hyena(embed_dim=16, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    long, short = unit.filters(40, torch.float32), unit.filters(17, torch.float32)
    assert torch.allclose(long[..., :17], short, atol=1e-5)


@gau_test
def test_hyena_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = Hyena(embed_dim=16, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 40, 16, device=device, dtype=dtype)
    changed = torch.cat((X[:, :33], torch.randn_like(X[:, 33:])), dim=1)
    before, after = unit(X)[0], unit(changed)[0]
    assert torch.allclose(before[:, :33], after[:, :33], rtol=1e-2, atol=1e-4)
    assert not torch.allclose(before[:, 33:], after[:, 33:], atol=1e-3)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="ShortConvolution",
        requirements="Mix each position of the projections with the few before it.",
        inputs=["X"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="LongConvolution",
        requirements="Convolve each channel of X causally with its kernel (E, T).",
        inputs=["X", "kernel"],
        outputs=["Y"],
    ),
]
