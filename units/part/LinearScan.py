# GAU_IMPLEMENTATION_FILE
import torch
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


def linear_scan_chunks(x, chunk):
    """Pad x (B, L, ...) with zeros and cut it into chunks: (B, n, C, ...)."""
    missing = -x.shape[1] % chunk
    return functional.pad(x, [0, 0] * (x.ndim - 2) + [0, missing]).unflatten(1, (-1, chunk))


def linear_scan(decay, added, chunk):
    """States ``h_t = decay_t h_{t-1} + added_t`` of shape (B, L, ...), starting from zero.

    All chunks walk their positions at the same time, then the chunks hand their last state on:
    C + L / C steps in place of L.
    """
    length = added.shape[1]
    chunk = min(chunk, length)
    decay, added = linear_scan_chunks(decay, chunk), linear_scan_chunks(added, chunk)
    states, reaches = [added[:, :, 0]], [decay[:, :, 0]]
    for keep, new in zip(decay.unbind(2)[1:], added.unbind(2)[1:], strict=True):
        states.append(torch.addcmul(new, keep, states[-1]))
        reaches.append(keep * reaches[-1])
    before = [torch.zeros_like(states[-1][:, 0])]
    for keep, new in zip(reaches[-1].unbind(1)[:-1], states[-1].unbind(1)[:-1], strict=True):
        before.append(torch.addcmul(new, keep, before[-1]))
    states, reaches = torch.stack(states, dim=2), torch.stack(reaches, dim=2)
    carried = torch.addcmul(states, reaches, torch.stack(before, dim=1).unsqueeze(2))
    return carried.flatten(1, 2)[:, :length]


class LinearScan(GAUBase):
    """Linear recurrence of each channel by itself, ``h_t = decay_t h_{t-1} + added_t``.

    Inputs: X (B, L, D), passed on unchanged; in Z decay and added (B, L, ...), real or complex.
    Outputs: Y = X; states (B, L, ...).
    ``scan_chunk`` is how many positions are walked one after the other.
    Source: Smith et al. 2022, arXiv 2208.04933 [s5], where the scan is a tree.
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, scan_chunk=16, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.chunk = scan_chunk

    def _forward(self, X, decay=None, added=None, **Z):
        if decay is None or added is None:
            raise ValueError("LinearScan needs decay and added of shape (B, L, ...) in Z")
        return X, {"states": linear_scan(decay, added, self.chunk)}


@gau_test
def test_linearscan_without_decay_sums_the_past(device=None, dtype=None) -> None:
    added = torch.randn(2, 37, 3, 2, device=device)
    states = linear_scan(torch.ones_like(added), added, 8)
    assert torch.allclose(states, added.cumsum(1), atol=1e-4)


@gau_test
def test_linearscan_turns_complex_states(device=None, dtype=None) -> None:
    added = torch.zeros(1, 33, 1, device=device, dtype=torch.complex64)
    added[:, 0] = 1.0
    states = linear_scan(torch.full_like(added, 1j), added, 16)
    assert torch.allclose(states[0, 32], torch.ones_like(states[0, 32]), atol=1e-5)
    assert torch.allclose(states[0, 17], torch.full_like(states[0, 17], 1j), atol=1e-5)


CHILDREN_DECLARATIONS = []
