# GAU_IMPLEMENTATION_FILE
# about: a long convolution by a padded Fourier transform
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class Mixer(GAUBase):
    """A long convolution by a padded Fourier transform."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)
        self.decay = nn.Parameter(torch.linspace(-4, 0, embed_dim, **self.factory_kwargs))

    def _forward(self, X, **Z):
        L = X.shape[1]
        t = torch.arange(L, device=X.device)[:, None]
        kernel = (-t * self.decay.float().exp()).exp()
        h = self.map(X).float()
        spectrum = torch.fft.rfft(h, 2 * L, 1) * torch.fft.rfft(kernel, 2 * L, 0)
        return torch.fft.irfft(spectrum, 2 * L, 1)[:, :L].to(X)


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
