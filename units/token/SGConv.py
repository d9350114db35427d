# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


class SGConv(GAUBase):
    """Long convolution whose kernel has few parameters and decays with the distance.

    The kernel is a row of pieces: the first two S taps long, each further one twice as long as
    the one before. A piece is S parameters, stretched to its length and weighted with half of
    the weight before. Then ``Y = v * sigmoid(g)``, v and g linear in
    ``gelu(kernel conv X + skip X)``.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``piece_taps`` is S, ``pieces`` their number: the kernel reaches ``S 2^(pieces - 1)`` back.
    Source: Li et al. 2022, arXiv 2210.09298 [sgconv].
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        piece_taps=16,
        pieces=8,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        size = (pieces, embed_dim, piece_taps)
        self.pieces = nn.Parameter(torch.randn(size, **self.factory_kwargs) * piece_taps**-0.5)
        self.skip = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))
        self.out = nn.Linear(embed_dim, 2 * embed_dim, bias=False, **self.factory_kwargs)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.convolution = LongConvolution(**common, **self.factory_kwargs, **kwarg_all)

    def kernel(self, length, wide):
        """The kernel (D, T), of all pieces that begin within ``length`` positions."""
        row, reach, taps = [], 0, self.pieces.shape[-1]
        for scale, piece in enumerate(self.pieces.to(wide)):
            if reach >= length:
                break
            stretch = 2 ** max(scale - 1, 0)
            stretched = functional.interpolate(piece[None], taps * stretch, mode="linear")[0]
            row.append(stretched * 0.5**scale)
            reach += taps * stretch
        return torch.cat(row, dim=-1)

    def _forward(self, X, **Z):
        kernel = self.kernel(X.shape[1], torch.promote_types(X.dtype, torch.float32))
        Y, _ = self.convolution(X, **{**Z, "kernel": kernel})
        value, gate = self.out(functional.gelu(Y + self.skip * X)).chunk(2, dim=-1)
        return value * gate.sigmoid()


@gau_test
def test_sgconv_kernel_fades_and_does_not_depend_on_the_length(device=None, dtype=None) -> None:
    unit = SGConv(embed_dim=64, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    kernel = unit.kernel(256, torch.float32)
    assert torch.equal(kernel[:, :32], unit.kernel(20, torch.float32))
    assert kernel[:, 128:].abs().mean() < 0.2 * kernel[:, :16].abs().mean()


@gau_test
def test_sgconv_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = SGConv(embed_dim=16, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
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
