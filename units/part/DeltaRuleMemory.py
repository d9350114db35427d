# GAU_IMPLEMENTATION_FILE
import torch
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


def delta_rule_chunkwise(q, k, v, beta, log_decay, chunk):
    """Memory under the delta rule, chunk by chunk; shapes as in the unit.

    Position t writes ``k_t u_t^T`` where u_t is what the memory lacks of v_t. Within a chunk
    that starts at S, the u solve a triangular system: u = fresh - stale S.
    """
    length = q.shape[2]
    chunk = min(chunk, length)
    missing = -length % chunk
    q, k, v = (functional.pad(x, (0, 0, 0, missing)).unflatten(2, (-1, chunk)) for x in (q, k, v))
    beta, log_decay = (
        functional.pad(x, (0, missing)).unflatten(2, (-1, chunk)) for x in (beta, log_decay)
    )
    beta = beta.unsqueeze(-1)
    total = log_decay.cumsum(-1)
    since_start, total_end = total.exp().unsqueeze(-1), total[..., -1:]
    future = torch.ones(chunk, chunk, dtype=torch.bool, device=q.device).triu(1)
    span = (total.unsqueeze(-1) - total.unsqueeze(-2)).masked_fill(future, -torch.inf).exp()

    overlap = (beta * (k @ k.mT) * span).tril(-1).to(v.dtype)
    right = torch.cat((beta * v, beta * since_start * k), dim=-1)
    eye = torch.eye(chunk, dtype=v.dtype, device=q.device)
    solved = torch.linalg.solve_triangular(eye + overlap, right, upper=False, unitriangular=True)
    fresh, stale = solved.split((v.shape[-1], k.shape[-1]), dim=-1)

    to_end = (k * (total_end - total).exp().unsqueeze(-1)).mT
    keep = total_end.exp().unsqueeze(-1)
    S = v.new_zeros(*k.shape[:2], k.shape[-1], v.shape[-1])
    before, written = [], []
    steps = (x.unbind(2) for x in (fresh, stale, to_end, keep))
    for new, old, end, factor in zip(*steps, strict=True):
        u = new - old @ S
        before.append(S)
        written.append(u)
        S = factor * S + end @ u
    within = ((q @ k.mT) * span) @ torch.stack(written, dim=2)
    out = within + (q * since_start) @ torch.stack(before, dim=2)
    return out.flatten(2, 3)[:, :, :length]


class DeltaRuleMemory(GAUBase):
    """Matrix memory of each head that corrects what it holds under a key.

    ``S_t = a_t (I - beta_t k_t k_t^T) S_{t-1} + beta_t k_t v_t^T`` with ``a_t =
    exp(log_decay_t)``, and ``read_t = q_t^T S_t``. Chunks of ``delta_chunk`` positions are
    solved as triangular systems (the WY form), in float32 at least.

    Inputs: X (B, L, D), passed on unchanged; q, k (B, H, L, d), k of length at most 1; v
    (B, H, L, e); beta (B, H, L), from 0 to 1; log_decay (B, H, L), at most 0.
    Outputs: Y = X; read (B, H, L, e).
    Source: Yang et al. 2024, arXiv 2406.06484 and 2412.06464.
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, delta_chunk=32, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.chunk = delta_chunk

    def _forward(self, X, q=None, k=None, v=None, beta=None, log_decay=None):
        if q is None or k is None or v is None or beta is None or log_decay is None:
            raise ValueError("DeltaRuleMemory needs q, k, v, beta and log_decay in Z")
        wide = torch.promote_types(X.dtype, torch.float32)
        inputs = (x.to(wide) for x in (q, k, v, beta, log_decay))
        return X, {"read": delta_rule_chunkwise(*inputs, self.chunk)}


@gau_test
def test_deltarulememory_replaces_what_a_key_holds(device=None, dtype=None) -> None:
    unit = DeltaRuleMemory(embed_dim=8, block_loc=(0, 1), kwarg_all={})
    k, v = torch.zeros(2, 3, 70, 4), torch.randn(2, 3, 70, 5)
    k[..., 0] = 1.0
    gates = {"beta": torch.ones(2, 3, 70), "log_decay": torch.zeros(2, 3, 70)}
    _, Z = unit(torch.zeros(2, 70, 8), q=k, k=k, v=v, **gates)
    assert torch.allclose(Z["read"], v, atol=1e-4)


@gau_test
def test_deltarulememory_keeps_other_keys(device=None, dtype=None) -> None:
    unit = DeltaRuleMemory(embed_dim=8, block_loc=(0, 1), kwarg_all={})
    k, v = torch.eye(40).expand(2, 3, 40, 40), torch.randn(2, 3, 40, 5)
    q = k[:, :, :1].expand_as(k)
    gates = {"beta": torch.ones(2, 3, 40), "log_decay": torch.zeros(2, 3, 40)}
    _, Z = unit(torch.zeros(2, 40, 8), q=q, k=k, v=v, **gates)
    assert torch.allclose(Z["read"], v[:, :, :1].expand_as(v), atol=1e-4)


CHILDREN_DECLARATIONS = []
