# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, UnitDecl, gau_test


def spectral_filters(span, count):
    """The ``count`` leading eigenvectors of the Hankel matrix of size ``span``: (count, span).

    Entry (i, j) of the matrix is ``2 / ((i + j)^3 - (i + j))``, i and j from 1 on. A vector is
    scaled with the fourth root of its eigenvalue and starts above zero.
    """
    place = torch.arange(1, span + 1, dtype=torch.float64)
    total = place[:, None] + place
    values, vectors = torch.linalg.eigh(2 / (total**3 - total))
    values, vectors = values[-count:].flip(0), vectors[:, -count:].flip(1)
    return (vectors * vectors[0].sign() * values.clamp(min=0) ** 0.25).mT


class SpectralFilter(GAUBase):
    """Convolutions with fixed filters that any slowly fading linear memory is close to.

    ``Y = W (k conv (V x))`` where each channel's kernel is a learned sum of the filters, and of
    the filters with the sign of every second tap turned.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``spectral_count`` filters are ``spectral_span`` positions long.
    Source: Agarwal et al. 2023, arXiv 2312.06837 [spectralssm].
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        spectral_count=16,
        spectral_span=512,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.value = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        size = (embed_dim, 2 * spectral_count)
        self.mix = nn.Parameter(torch.randn(size, **self.factory_kwargs))
        same = spectral_filters(spectral_span, spectral_count)
        turned = same * (1 - 2 * (torch.arange(spectral_span) % 2))
        filters = torch.cat((same, turned)).to(**self.factory_kwargs)
        self.register_buffer("filters", filters, persistent=False)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.convolution = LongConvolution(**common, **self.factory_kwargs, **kwarg_all)

    def _forward(self, X, **Z):
        kernel = self.mix @ self.filters[:, : X.shape[1]].to(self.mix.dtype)
        mixed, _ = self.convolution(self.value(X), **{**Z, "kernel": kernel})
        return self.out(mixed)


@gau_test
def test_spectralfilter_filters_are_eigenvectors(device=None, dtype=None) -> None:
    filters = spectral_filters(64, 8)
    overlap = filters @ filters.mT
    assert torch.allclose(overlap, overlap.diagonal().diag(), atol=1e-8)
    assert (overlap.diagonal().diff() < 0).all()


@gau_test
def test_spectralfilter_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = SpectralFilter(embed_dim=16, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 40, 16, device=device, dtype=dtype)
    changed = torch.cat((X[:, :33], torch.randn_like(X[:, 33:])), dim=1)
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
