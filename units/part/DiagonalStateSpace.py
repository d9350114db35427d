# GAU_IMPLEMENTATION_FILE
import math

import torch
from torch import nn

from genesys.gau import GAUBase, UnitDecl, gau_test


class DiagonalStateSpace(GAUBase):
    """Linear state space of each channel by itself, with a diagonal complex state matrix.

    For a channel with states h (N), rates a < 0 in their real part and a step d:
    ``h_t = exp(d a) h_{t-1} + (exp(d a) - 1) / a x_t`` and ``y_t = 2 Re(c . h_t) + skip x_t``.
    It is trained as the convolution with ``2 Re(sum of c (exp(d a) - 1) / a exp(d a j))``.

    Inputs: X (B, L, E). Outputs: Y (B, L, E).
    ``ssm_pairs`` is N, each of which stands for a pair of conjugate states.
    Source: Gu et al. 2022, arXiv 2206.11893 [s4d].
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, ssm_pairs=16, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        size = (embed_dim, ssm_pairs)
        self.log_step = nn.Parameter(torch.empty(embed_dim, **self.factory_kwargs))
        self.log_rate = nn.Parameter(torch.full(size, math.log(0.5), **self.factory_kwargs))
        self.frequency = nn.Parameter(torch.empty(size, **self.factory_kwargs))
        self.read = nn.Parameter(torch.randn(*size, 2, **self.factory_kwargs))
        self.skip = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))
        self.convolution = LongConvolution(
            embed_dim=embed_dim,
            block_loc=block_loc,
            kwarg_all=kwarg_all,
            **self.factory_kwargs,
            **kwarg_all,
        )
        with torch.no_grad():
            self.log_step.uniform_(math.log(1e-3), math.log(1e-1))
            self.frequency.copy_(math.pi * torch.arange(ssm_pairs).expand(size))

    def kernel(self, length, wide):
        """The first ``length`` taps of each channel's response to an impulse: (E, L)."""
        # Powers of numbers near one: half precision would lose the memory.
        rate = torch.complex(-self.log_rate.to(wide).exp(), self.frequency.to(wide))
        turn = self.log_step.to(wide).exp()[:, None] * rate
        weight = torch.view_as_complex(self.read.to(wide)) * torch.expm1(turn) / rate
        position = torch.arange(length, device=rate.device, dtype=wide)
        powers = (turn[..., None] * position).exp()
        return 2 * (weight[:, None] @ powers).squeeze(1).real

    def _forward(self, X, **Z):
        kernel = self.kernel(X.shape[1], torch.promote_types(X.dtype, torch.float32))
        Y, _ = self.convolution(X, **{**Z, "kernel": kernel})
        return Y + self.skip * X


@gau_test
def test_diagonalstatespace_forgets_at_its_rate(device=None, dtype=None) -> None:
    unit = DiagonalStateSpace(
        embed_dim=4, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype, ssm_pairs=1
    )
    kernel = unit.kernel(6, torch.float32)
    ratio = (-unit.log_rate.float().exp() * unit.log_step.float().exp()[:, None]).exp()
    # The first pair does not turn: its taps are a geometric series.
    assert torch.allclose(kernel[:, 1:], kernel[:, :-1] * ratio, atol=1e-4)


@gau_test
def test_diagonalstatespace_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = DiagonalStateSpace(
        embed_dim=16, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype
    )
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
