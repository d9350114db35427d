# GAU_IMPLEMENTATION_FILE
import torch
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


def rwkv7_chunkwise(r, k, v, log_decay, look, rate, chunk):
    """The WKV7 recurrence, chunk by chunk; shapes as in the unit.

    Position t takes ``rate_t look_t u_t^T`` out of the memory, where ``u_t = S_{t-1}^T look_t``
    is what it holds under look_t. Within a chunk that starts at S, the u solve a triangular
    system: u = fresh + stale S.
    """
    length = r.shape[2]
    chunk = min(chunk, length)
    padding = (0, 0, 0, -length % chunk)
    r, k, v, log_decay, look, out = (
        functional.pad(x, padding).unflatten(2, (-1, chunk))
        for x in (r, k, v, log_decay, look, rate * look)
    )
    total = log_decay.cumsum(-2)
    last = total[..., -1:, :]
    # Decays relative to the chunk's middle: neither factor of a product can overflow. The
    # middle cancels out, so it is detached, or rounding errors would pass as gradients.
    middle = (last / 2).detach()
    r = r * (total - middle).exp()
    look = look * (total - log_decay - middle).exp()
    k, out = (x * (middle - total).exp() for x in (k, out))

    system = (look @ out.mT).tril(-1).to(v.dtype) + torch.eye(chunk, dtype=v.dtype, device=v.device)
    right = torch.cat(((look @ k.mT).tril(-1) @ v, look * middle.exp()), dim=-1).to(v.dtype)
    solved = torch.linalg.solve_triangular(system, right, upper=False, unitriangular=True)
    fresh, stale = solved.split((v.shape[-1], k.shape[-1]), dim=-1)

    to_end = (last - middle).exp()
    added, removed = (k * to_end).mT @ v, (out * to_end).mT
    steps = (x.unbind(2) for x in (fresh, stale, last.exp().mT, added, removed))
    S = v.new_zeros(*k.shape[:2], k.shape[-1], v.shape[-1])
    before, held = [], []
    for new, old, keep, more, less in zip(*steps, strict=True):
        u = new + old @ S
        before.append(S)
        held.append(u)
        S = keep * S + more - less @ u
    read = (r @ k.mT).tril() @ v - (r @ out.mT).tril() @ torch.stack(held, dim=2)
    read = read + r @ (middle.exp().mT * torch.stack(before, dim=2))
    return read.flatten(2, 3)[:, :, :length]


class RWKV7Memory(GAUBase):
    """Matrix memory of each head that fades by channel and takes out what it holds under a key.

    ``S_t = (diag(exp(log_decay_t)) - (rate_t * look_t) look_t^T) S_{t-1} + k_t v_t^T`` and
    ``read_t = S_t^T r_t``. Chunks of 32 positions are solved as triangular systems, in float32
    at least.

    Inputs: X (B, L, D), passed on unchanged; r, k, log_decay, look and rate (B, H, L, d), with
    log_decay from -0.61 to 0, look of length at most 1 and rate from 0 to 1; v (B, H, L, e).
    Outputs: Y = X; read (B, H, L, e).
    Source: Peng et al. 2025, arXiv 2503.14456, section 4.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)

    def _forward(self, X, r=None, k=None, v=None, log_decay=None, look=None, rate=None):
        inputs = (r, k, v, log_decay, look, rate)
        if any(x is None for x in inputs):
            raise ValueError("RWKV7Memory needs r, k, v, log_decay, look and rate in Z")
        wide = torch.promote_types(X.dtype, torch.float32)
        return X, {"read": rwkv7_chunkwise(*(x.to(wide) for x in inputs), 32)}


@gau_test
def test_rwkv7memory_replaces_what_a_key_holds(device=None, dtype=None) -> None:
    unit = RWKV7Memory(embed_dim=8, block_loc=(0, 1), kwarg_all={})
    key, v = torch.zeros(2, 3, 70, 4), torch.randn(2, 3, 70, 5)
    key[..., 0] = 1.0
    gates = {"log_decay": torch.zeros_like(key), "rate": torch.ones_like(key)}
    _, Z = unit(torch.zeros(2, 70, 8), r=key, k=key, look=key, v=v, **gates)
    assert torch.allclose(Z["read"], v, atol=1e-4)


@gau_test
def test_rwkv7memory_without_removal_fades(device=None, dtype=None) -> None:
    unit = RWKV7Memory(embed_dim=8, block_loc=(0, 1), kwarg_all={})
    one, k = torch.ones(1, 1, 70, 1), torch.zeros(1, 1, 70, 1)
    k[:, :, 0] = 1.0
    state = {"r": one, "k": k, "v": one, "look": one, "rate": torch.zeros_like(one)}
    _, Z = unit(torch.zeros(1, 70, 8), log_decay=-0.5 * one, **state)
    assert torch.allclose(Z["read"][0, 0, :, 0], (-0.5 * torch.arange(70.0)).exp(), atol=1e-5)


CHILDREN_DECLARATIONS = []
