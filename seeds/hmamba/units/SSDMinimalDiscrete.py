# GAU_IMPLEMENTATION_FILE
import torch
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


def ssd_chunks(x, chunk):
    """Pad x (B, L, ...) with zeros and cut it into chunks: (B, n, C, ...)."""
    if missing := -x.shape[1] % chunk:
        x = functional.pad(x, [0, 0] * (x.ndim - 2) + [0, missing])
    return x.unflatten(1, (-1, chunk))


def ssd_decays(log_decay):
    """Decay from each position to each later one: (..., T) gives (..., T, T), lower triangle."""
    total = log_decay.cumsum(-1)
    span = total.unsqueeze(-1) - total.unsqueeze(-2)
    future = torch.ones(span.shape[-2:], dtype=torch.bool, device=span.device).triu(1)
    # Masked before exp: above the diagonal the exponent is positive and could overflow.
    return span.masked_fill(future, -torch.inf).exp()


class SSDMinimalDiscrete(GAUBase):
    """State space recurrence of each head, computed with matrices over chunks.

    With the state S (N, P) of a head, for each position t:
    ``S_t = exp(dt_t A) S_{t-1} + dt_t B_t x_t^T`` and ``y_t = C_t^T S_t``.

    Inputs: X (B, L, E), the heads' values side by side; in Z the negative rates A (H,), the
    directions B and C (B, L, N) and the step sizes dt (B, L, H). Outputs: Y (B, L, E).
    Source: Dao and Gu 2024, arXiv 2405.21060, section 6.
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, ssd_chunk=32, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.chunk = ssd_chunk

    def _forward(self, X, A=None, B=None, C=None, dt=None):
        if A is None or B is None or C is None or dt is None:
            raise ValueError("SSDMinimalDiscrete needs A, B, C and dt in Z")
        kept = X.dtype
        # Sums of logarithms and the state need more than half precision.
        X, A, B, C, dt = (x.to(torch.promote_types(kept, torch.float32)) for x in (X, A, B, C, dt))
        length, chunk = X.shape[1], min(self.chunk, X.shape[1])
        heads = dt.shape[-1]
        X, B, C, dt = (ssd_chunks(x, chunk) for x in (X, B, C, dt))  # (B, n, C, ...)
        values = X.unflatten(-1, (heads, -1))
        dt = dt.transpose(-1, -2)  # (B, n, H, C)
        log_decay = dt * A[:, None]

        # Position s reaches position t with weight (C_t . B_s) dt_s times the decay between.
        reach = ssd_decays(log_decay) * dt.unsqueeze(-2)  # (B, n, H, C, C)
        within = (C @ B.mT).unsqueeze(2) * reach
        Y = (within @ values.transpose(2, 3)).transpose(2, 3)

        total = log_decay.cumsum(-1)
        to_end = ((total[..., -1:] - total).exp() * dt).transpose(-1, -2).unsqueeze(-1)
        added = B.mT @ (values * to_end).flatten(-2)  # (B, n, N, H * P): what each chunk adds
        # State before chunk z: what earlier chunks c added, decayed by the chunks between.
        between = ssd_decays(total[..., -1].transpose(1, 2))[..., :-1, :]
        between = functional.pad(between, (0, 0, 1, 0))  # (B, H, n, n)
        added = added.unflatten(-1, (heads, -1)).permute(0, 3, 1, 2, 4)
        before = (between @ added.flatten(-2)).view_as(added).permute(0, 2, 3, 1, 4)
        since_start = total.exp().transpose(-1, -2).unsqueeze(-1)
        Y = torch.addcmul(Y, (C @ before.flatten(-2)).view_as(Y), since_start)
        return Y.flatten(1, 2)[:, :length].flatten(-2).to(kept)


@gau_test
def test_ssd_without_decay_sums_the_past(device=None, dtype=None) -> None:
    ssd = SSDMinimalDiscrete(embed_dim=8, block_loc=(0, 1), kwarg_all={})
    X = torch.randn(2, 70, 8)
    one = torch.ones(2, 70, 1)
    Y, _ = ssd(X, A=torch.zeros(2), B=one, C=one, dt=one.expand(2, 70, 2))
    assert torch.allclose(Y, X.cumsum(1), atol=1e-4)


@gau_test
def test_ssd_full_decay_keeps_the_present_only(device=None, dtype=None) -> None:
    ssd = SSDMinimalDiscrete(embed_dim=8, block_loc=(0, 1), kwarg_all={})
    X = torch.randn(2, 70, 8)
    one = torch.ones(2, 70, 1)
    Y, _ = ssd(X, A=torch.full((2,), -1e4), B=one, C=one, dt=one.expand(2, 70, 2))
    assert torch.allclose(Y, X, atol=1e-5)


CHILDREN_DECLARATIONS = []
