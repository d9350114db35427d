# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class TimestepNorm(GAUBase):
    """Moves groups of channels to mean zero and variance one over all positions so far.

    ``y_t = w * (x_t - m_t) / s_t + b``, where m_t and s_t are the mean and the standard deviation
    of a group's channels at the positions up to t.

    Inputs: X (B, L, D), D a multiple of the groups. Outputs: Y (B, L, D).
    ``norm_groups`` is the number of groups.
    Source: Ma et al. 2024, arXiv 2404.08801 [megalodon].
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        norm_groups=4,
        eps=1e-5,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.groups, self.eps = norm_groups, eps
        self.weight = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))
        self.bias = nn.Parameter(torch.zeros(embed_dim, **self.factory_kwargs))

    def _forward(self, X, **Z):
        # Sums over many positions need more than half precision.
        wide = torch.promote_types(X.dtype, torch.float32)
        x = X.to(wide).unflatten(-1, (self.groups, -1))
        count = torch.arange(1, X.shape[1] + 1, device=X.device, dtype=wide)[:, None]
        now = x.mean(-1)
        mean = now.cumsum(1) / count
        before = torch.cat((mean[:, :1], mean[:, :-1]), dim=1)
        # Variances add up, with what the means differ by: no difference of large squares.
        spread = x.var(-1, unbiased=False) + (now - before).square() * (count - 1) / count
        variance = (spread.cumsum(1) / count).unsqueeze(-1)
        Y = (x - mean.unsqueeze(-1)) * torch.rsqrt(variance + self.eps)
        return (self.weight * Y.flatten(-2) + self.bias).to(X.dtype)


@gau_test
def test_timestepnorm_reads_all_positions_so_far(device=None, dtype=None) -> None:
    norm = TimestepNorm(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = 5 * torch.randn(2, 64, 32, device=device, dtype=dtype) + 3
    x = X.float().unflatten(-1, (4, -1))
    mean, std = x.mean((1, 3)), x.transpose(1, 2).flatten(2).std(-1, unbiased=False)
    last = (x[:, -1] - mean[..., None]) / std[..., None]
    assert torch.allclose(norm(X)[0][:, -1].float(), last.flatten(1), atol=3e-2)


@gau_test
def test_timestepnorm_does_not_look_ahead(device=None, dtype=None) -> None:
    norm = TimestepNorm(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 20, 32, device=device, dtype=dtype)
    changed = torch.cat((X[:, :13], 9 * torch.randn_like(X[:, 13:])), dim=1)
    assert torch.allclose(norm(X)[0][:, :13], norm(changed)[0][:, :13], atol=1e-5)


CHILDREN_DECLARATIONS = []
