# GAU_IMPLEMENTATION_FILE
import torch

from genesys.gau import GAUBase, gau_test


class LongConvolution(GAUBase):
    """Causal convolution of each channel with a kernel as long as the sequence.

    ``y_t = sum over s <= t of kernel_{t-s} x_s``, by Fourier transforms of at least 2 L points,
    so that nothing wraps around.

    Inputs: X (B, L, E); in Z kernel (E, T), of which the first L taps are read.
    Outputs: Y (B, L, E).
    Source: Fu et al. 2023, arXiv 2311.05908 [flashfftconv].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)

    def _forward(self, X, kernel=None, **Z):
        if kernel is None:
            raise ValueError("LongConvolution needs kernel of shape (E, T) in Z")
        # There is no Fourier transform in half precision.
        wide = torch.promote_types(X.dtype, torch.float32)
        length = X.shape[1]
        points = 2 ** (2 * length - 1).bit_length()
        spectrum = torch.fft.rfft(X.mT.to(wide), n=points)
        spectrum = spectrum * torch.fft.rfft(kernel[:, :length].to(wide), n=points)
        return torch.fft.irfft(spectrum, n=points)[..., :length].mT.to(X.dtype)


@gau_test
def test_longconvolution_of_an_impulse_is_the_kernel(device=None, dtype=None) -> None:
    unit = LongConvolution(embed_dim=4, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.zeros(1, 11, 4, device=device, dtype=dtype)
    X[0, 3] = 1.0
    kernel = torch.randn(4, 11, device=device, dtype=dtype)
    Y, _ = unit(X, kernel=kernel)
    assert torch.allclose(Y[0, 3:], kernel[:, :8].mT, atol=1e-5)
    assert Y[0, :3].abs().max() < 1e-5


@gau_test
def test_longconvolution_does_not_wrap_around(device=None, dtype=None) -> None:
    unit = LongConvolution(embed_dim=2, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.ones(1, 16, 2, device=device, dtype=dtype)
    Y, _ = unit(X, kernel=torch.ones(2, 16, device=device, dtype=dtype))
    counts = torch.arange(1, 17, device=device, dtype=Y.dtype)
    assert torch.allclose(Y[0, :, 0], counts, rtol=1e-2)


CHILDREN_DECLARATIONS = []
