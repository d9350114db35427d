# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


def vq_group(embed_dim, at_most):
    """Largest divisor of ``embed_dim`` not above ``at_most``."""
    return next(d for d in range(at_most, 0, -1) if embed_dim % d == 0)


class VectorQuantization(GAUBase):
    """Describes each group of channels by the entries of a codebook next to it.

    A group x, normalised, becomes ``q = sum_k w_k c_k`` with
    ``w = softmax(-sharpness |x - c_k|^2 / 2)``: with a large sharpness the nearest code. The soft
    choice trains codes, sharpness and x by the model's own loss, without a term for commitment, and
    rounding does not flip it.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``group_dim`` is an upper bound; the largest divisor of D below it is taken.
    Source: van den Oord et al. 2017, arXiv 1711.00937, for codebooks; Agustsson et al. 2017,
    arXiv 1704.00648, for the soft assignment.
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        codes=32,
        group_dim=8,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        size = vq_group(embed_dim, group_dim)
        groups = embed_dim // size
        self.codebook = nn.Parameter(torch.randn(groups, codes, size, **self.factory_kwargs))
        self.sharpness = nn.Parameter(torch.ones(groups, 1, 1, **self.factory_kwargs))

    def _forward(self, X, **Z):
        # Squared distances need more than half precision.
        wide = torch.promote_types(X.dtype, torch.float32)
        codes = self.codebook.to(wide)
        size = codes.shape[-1]
        x = X.to(wide).unflatten(-1, (-1, size)).transpose(1, 2)  # (B, G, L, d)
        x = functional.rms_norm(x, (size,), eps=1e-5)
        # |x|^2 is the same for all codes of a group.
        nearness = x @ codes.mT - codes.square().sum(-1).unsqueeze(1) / 2
        weights = (self.sharpness.to(wide) * nearness).softmax(-1)
        return (weights @ codes).transpose(1, 2).flatten(2).to(X.dtype)


@gau_test
def test_vectorquantization_sharp_choice_is_the_nearest_code(device=None, dtype=None) -> None:
    unit = VectorQuantization(embed_dim=8, block_loc=(0, 1), kwarg_all={})
    unit.sharpness.data.fill_(1e4)
    X = torch.randn(2, 50, 8)
    x = X / X.square().mean(-1, keepdim=True).sqrt()
    nearest = torch.cdist(x, unit.codebook).argmin(-1)
    assert torch.allclose(unit(X)[0], unit.codebook[0][nearest], atol=1e-2)


@gau_test
def test_vectorquantization_trains_the_codebook(device=None, dtype=None) -> None:
    unit = VectorQuantization(32, (0, 1), {}, device=device, dtype=dtype)
    Y, _ = unit(torch.randn(4, 100, 32, device=device, dtype=dtype))
    Y.square().sum().backward()
    assert (unit.codebook.grad.abs().sum(-1) > 0).all()


CHILDREN_DECLARATIONS = []
