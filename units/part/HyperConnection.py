# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class HyperConnection(GAUBase):
    """Weights between n residual streams and a layer: how it reads, what is kept, where it writes.

    With normed streams N: read ``m + s tanh(N w_m)`` (n), mix ``R + s tanh(N W_R)`` (n, n) and
    spread ``b + t tanh(N w_b)`` (n). They start near reading one stream, keeping all as they are
    and writing to all.

    Inputs: X (B, L, D), not read; in Z streams (B, L, n, D).
    Outputs: Y (B, L, D), what the layer reads; kept (B, L, n, D), the mixed streams; spread
    (B, L, n), the weights of the layer's output.
    ``residual_streams`` is n; ``first_stream`` modulo n is the stream that is read at first.
    Source: Zhu et al. 2024, arXiv 2409.19606, section 2.2.
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        residual_streams=4,
        first_stream=0,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        n = residual_streams
        self.sizes = [1, n, 1]
        self.dynamic = nn.Linear(embed_dim, n + 2, bias=False, **self.factory_kwargs)
        self.static = nn.Parameter(torch.zeros(n, n + 2, **self.factory_kwargs))
        self.scale = nn.Parameter(torch.full((2,), 0.01, **self.factory_kwargs))
        with torch.no_grad():
            self.static[first_stream % n, 0] = 1.0
            self.static[:, 1:-1] = torch.eye(n)
            self.static[:, -1] = 1.0

    def _forward(self, X, streams=None, **Z):
        if streams is None:
            raise ValueError("HyperConnection needs streams of shape (B, L, n, D) in Z")
        normed = functional.layer_norm(streams, streams.shape[-1:])
        change = self.dynamic(normed).tanh()
        scale = torch.cat((self.scale[:1].expand(change.shape[-1] - 1), self.scale[1:]))
        weights = self.static + scale * change  # (B, L, n, n + 2)
        read, mix, spread = weights.split(self.sizes, dim=-1)
        wide = streams.to(weights.dtype)
        Y = (read * wide).sum(2).to(X.dtype)
        return Y, {"kept": mix.mT @ wide, "spread": spread.squeeze(-1)}


@gau_test
def test_hyperconnection_starts_near_a_plain_residual(device=None, dtype=None) -> None:
    unit = HyperConnection(
        embed_dim=32,
        block_loc=(0, 1),
        kwarg_all={},
        device=device,
        dtype=dtype,
        first_stream=5,
    )
    streams = torch.randn(2, 3, 4, 32, device=device, dtype=dtype)
    Y, Z = unit(streams[:, :, 0], streams=streams)
    assert torch.allclose(Y, streams[:, :, 1], atol=0.2)
    assert torch.allclose(Z["kept"], streams, atol=0.2)
    assert torch.allclose(Z["spread"], torch.ones_like(Z["spread"]), atol=0.05)


CHILDREN_DECLARATIONS = []
