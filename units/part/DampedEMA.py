# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, UnitDecl, gau_test


class DampedEMA(GAUBase):
    """Several damped moving averages of each channel, summed up with weights.

    With share a, damping d, both between 0 and 1, expansion b and read-out c of an average:
    ``h_t = a b x_t + (1 - a d) h_{t-1}`` and ``y_t = sum of c h_t``, trained as a convolution.

    Inputs: X (B, L, E). Outputs: Y (B, L, E).
    ``ema_dim`` is how many averages a channel has.
    Source: Ma et al. 2022, arXiv 2209.10655 [mega], section 3.1.
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, ema_dim=8, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        size = (embed_dim, ema_dim)
        self.share = nn.Parameter(torch.empty(size, **self.factory_kwargs))
        self.damping = nn.Parameter(torch.zeros(size, **self.factory_kwargs))
        self.expansion = nn.Parameter(torch.randn(size, **self.factory_kwargs))
        self.read = nn.Parameter(torch.randn(size, **self.factory_kwargs) * ema_dim**-0.5)
        self.convolution = LongConvolution(
            embed_dim=embed_dim,
            block_loc=block_loc,
            kwarg_all=kwarg_all,
            **self.factory_kwargs,
            **kwarg_all,
        )
        with torch.no_grad():
            # Memories from about 2 to 300 positions.
            self.share.copy_(torch.linspace(0, -5, ema_dim).expand(size))

    def kernel(self, length, wide):
        """The first ``length`` taps of each channel's response to an impulse: (E, L)."""
        share, damping = self.share.to(wide).sigmoid(), self.damping.to(wide).sigmoid()
        weight = self.read.to(wide) * share * self.expansion.to(wide)
        position = torch.arange(length, device=weight.device, dtype=wide)
        # Powers by logarithms: zero to the power of zero has no gradient.
        powers = (torch.log1p(-share * damping)[..., None] * position).exp()
        return (weight[:, None] @ powers).squeeze(1)

    def _forward(self, X, **Z):
        kernel = self.kernel(X.shape[1], torch.promote_types(X.dtype, torch.float32))
        return self.convolution(X, **{**Z, "kernel": kernel})[0]


@gau_test
def test_dampedema_without_damping_averages(device=None, dtype=None) -> None:
    unit = DampedEMA(
        embed_dim=4, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype, ema_dim=1
    )
    for parameter, value in ((unit.damping, 30.0), (unit.expansion, 1.0), (unit.read, 1.0)):
        nn.init.constant_(parameter, value)
    Y, _ = unit(torch.ones(1, 40, 4, device=device, dtype=dtype))
    assert torch.allclose(Y[:, -1], torch.ones_like(Y[:, -1]), atol=1e-2)
    assert (Y[:, 1:3] > Y[:, :2]).all()


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="LongConvolution",
        requirements="Convolve each channel of X causally with its kernel (E, T).",
        inputs=["X", "kernel"],
        outputs=["Y"],
    )
]
