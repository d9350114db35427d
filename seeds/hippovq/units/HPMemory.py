# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


def hippo_head(embed_dim, at_most):
    """Largest divisor of ``embed_dim`` not above ``at_most``."""
    return next(d for d in range(at_most, 0, -1) if embed_dim % d == 0)


def hippo_step(order, window):
    """Step (A, B) of Legendre memories of the last ``window`` positions, in float64.

    ``m_t = A m_{t-1} + B x_t`` holds the coefficients of x over the window in orthonormal Legendre
    polynomials (HiPPO-LegT), times the square root of the window: noise of variance 1 gives about
    that. Zero-order hold.

    Returns:
        A of shape (order, order) and B of shape (order,).
    """
    n = torch.arange(order, dtype=torch.float64, device="cpu")
    root = (2 * n + 1).sqrt()
    # -1 above the diagonal, and below -1 or 1 by whether the distance is even.
    sign = torch.where(n[:, None] < n, -1.0, -((-1.0) ** (n[:, None] - n)))
    rate = torch.outer(root, root) * sign / window
    A = torch.linalg.matrix_exp(rate)
    drive = root * (-1.0) ** n / window**0.5
    return A, torch.linalg.solve(rate, (A - torch.eye(order, dtype=A.dtype, device="cpu")) @ drive)


def hippo_tables(order, windows, chunk):
    """What chunks of C positions need, for each of S scales, in float64.

    Returns:
        reach: (S, C, C + N, N), from the chunk's C inputs and from the state before it to the state
            at each of its positions.
        write: (S, N, C), from the chunk's inputs to the state at its end.
        across: (S, N, N), from the state before it to the state at its end.
    """
    reach, write, across = [], [], []
    for window in windows:
        A, B = hippo_step(order, window)
        power = [torch.eye(order, dtype=A.dtype, device="cpu")]
        for _ in range(chunk):
            power.append(A @ power[-1])
        power = torch.stack(power)  # (C + 1, N, N)
        step = torch.arange(chunk, device="cpu")
        lag = step[:, None] - step
        inputs = (power @ B)[lag.clamp(min=0)] * (lag >= 0)[..., None]  # (C, C, N)
        reach.append(torch.cat((inputs, power[1:].mT), dim=1))
        write.append(inputs[-1].mT)
        across.append(power[-1])
    return torch.stack(reach), torch.stack(write), torch.stack(across)


class HPMemory(GAUBase):
    """Hierarchy of polynomial memories, one of each window, read at points that the data choose.

    What is written is the value times how much of an event its position is. Each head reads a
    memory of N coefficients by N numbers that depend on the position: a filter over the window.

    Inputs: X (B, L, D), passed on unchanged; values (B, L, D); events (B, L, H).
    Outputs: Y = X; reads (B, L, S, D), of each scale.
    ``memory_head`` is an upper bound; the largest divisor of D below it is the width of a head.
    Source: Gu et al. 2020, arXiv 2008.07669 (HiPPO-LegT); Voelker et al. 2019 (Legendre memory).
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        memory_head=16,
        windows=(4, 16, 64),
        order=8,
        memory_chunk=32,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.chunk, self.order, self.scales = memory_chunk, order, len(windows)
        self.heads = embed_dim // hippo_head(embed_dim, memory_head)
        width = self.scales * self.heads * order
        self.reader = nn.Linear(embed_dim, width, bias=False, **self.factory_kwargs)
        # In float64 at first: float32 powers of A drift over a chunk.
        self.tables = hippo_tables(order, windows, memory_chunk)

    def _forward(self, X, values=None, events=None):
        if values is None or events is None:
            raise ValueError("HPMemory needs values (B, L, D) and events (B, L, H) in Z")
        # States are sums over the whole past: half precision would not do.
        wide = torch.promote_types(X.dtype, torch.float32)
        reach, write, across = (table.to(X.device, wide) for table in self.tables)
        written = values.unflatten(-1, (self.heads, -1)) * events.unsqueeze(-1)
        written = self.chunks(written.to(wide)).transpose(2, 3)  # (B, n, H, C, d)
        reader = self.reader(X).unflatten(-1, (self.scales, self.heads, self.order))
        reader = self.chunks(reader.to(wide)) * self.order**-0.5  # (B, n, C, S, H, N)
        before = self.states(written.unsqueeze(2), write, across)  # (B, n, S, H, N, d)
        weights = torch.einsum("bnishm,sijm->bnshij", reader, reach)
        stock = torch.cat((written.unsqueeze(2).expand(-1, -1, self.scales, -1, -1, -1), before), 4)
        reads = (weights @ stock).permute(0, 1, 4, 2, 3, 5)  # (B, n, C, S, H, d)
        return X, {"reads": reads.flatten(1, 2)[:, : X.shape[1]].flatten(3).to(X.dtype)}

    def chunks(self, x):
        """Pad x (B, L, ...) with zeros and cut it into chunks: (B, n, C, ...)."""
        missing = -x.shape[1] % self.chunk
        return functional.pad(x, [0, 0] * (x.ndim - 2) + [0, missing]).unflatten(
            1, (-1, self.chunk)
        )

    def states(self, written, write, across):
        """Coefficients before each chunk: (B, n, S, H, N, d)."""
        added = write.unsqueeze(1) @ written
        state, before = torch.zeros_like(added[:, 0]), []
        for new in added.unbind(1):
            before.append(state)
            state = across.unsqueeze(1) @ state + new
        return torch.stack(before, dim=1)


@gau_test
def test_hpmemory_holds_the_window(device=None, dtype=None) -> None:
    """The first coefficient is the mean of the window, and a longer past is forgotten."""
    A, B = hippo_step(8, 16)
    state = torch.zeros(8, dtype=A.dtype)
    for t in range(200):
        state = A @ state + B * (100.0 if t < 100 else 1.0)
    expected = torch.zeros_like(state)
    expected[0] = 16**0.5
    assert torch.allclose(state, expected, atol=1e-2)


@gau_test
def test_hpmemory_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = HPMemory(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 80, 32, device=device, dtype=dtype)
    changed = torch.cat((X[:, :66], torch.randn_like(X[:, 66:])), dim=1)
    before, after = (
        unit(x, values=x, events=x[..., :2].sigmoid())[1]["reads"] for x in (X, changed)
    )
    assert torch.allclose(before[:, :66], after[:, :66], atol=1e-5)
    assert not torch.allclose(before[:, 66:], after[:, 66:], atol=1e-3)


CHILDREN_DECLARATIONS = []
