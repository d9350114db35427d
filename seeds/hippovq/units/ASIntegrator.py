# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class ASIntegrator(GAUBase):
    """Adaptive scale integration: joins what each scale tells by weights of each position.

    What a head read is normalised, at each scale by itself, so that weights alone decide; the sum
    is gated by a swish branch of X.

    Inputs: X (B, L, D); reads (B, L, S, D); scale_weights (B, L, H, S). Outputs: Y (B, L, D).
    Source: the design HiPPOVQ of the Genesys paper, fig. 57.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.gate = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)

    def _forward(self, X, reads=None, scale_weights=None):
        if reads is None or scale_weights is None:
            raise ValueError("ASIntegrator needs reads (B, L, S, D) and scale_weights in Z")
        heads = scale_weights.shape[2]
        reads = reads.unflatten(-1, (heads, -1)).transpose(2, 3)  # (B, L, H, S, d)
        reads = functional.rms_norm(reads, reads.shape[-1:], eps=1e-5)
        joined = (scale_weights.to(reads.dtype).unsqueeze(-2) @ reads).flatten(2)
        return self.out(functional.silu(self.gate(X)) * joined)


@gau_test
def test_asintegrator_reads_the_scale_that_is_chosen(device=None, dtype=None) -> None:
    unit = ASIntegrator(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    reads = torch.randn(2, 5, 3, 32, device=device, dtype=dtype)
    chosen = torch.zeros(2, 5, 2, 3, device=device, dtype=dtype)
    chosen[..., 1] = 1.0
    other = reads.clone()
    other[:, :, (0, 2)] = 0.0
    first, second = (unit(X, reads=r, scale_weights=chosen)[0] for r in (reads, other))
    assert torch.equal(first, second)


CHILDREN_DECLARATIONS = []
