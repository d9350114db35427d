# GAU_IMPLEMENTATION_FILE
from itertools import pairwise

import torch

from genesys.gau import GAUBase, gau_test


def linear_scan_chunks(x, chunk):
    """A copy of x (B, L, ...) cut into chunks, (B, n, C, ...), with zeros at its end."""
    padded = x.new_zeros(x.shape[0], x.shape[1] + -x.shape[1] % chunk, *x.shape[2:])
    padded[:, : x.shape[1]] = x
    return padded.unflatten(1, (-1, chunk))


def linear_scan(decay, added, chunk, step=1):
    """States ``h_t = decay_t h_{t-step} + added_t`` of shape (B, L, ...), starting from zero.

    All chunks walk their positions at the same time, then the chunks hand their last state on:
    C + L / C steps in place of L. With ``step = -1`` both go from the end to the start.
    """
    length = added.shape[1]
    chunk = min(chunk, length)
    states, reach = linear_scan_chunks(added, chunk), linear_scan_chunks(decay, chunk)
    positions = range(chunk)[::step]
    for before, now in pairwise(positions):
        states[:, :, now].addcmul_(reach[:, :, now], states[:, :, before])
        reach[:, :, now] *= reach[:, :, before]
    last = states[:, :, positions[-1], None]
    for before, now in pairwise(range(states.shape[1])[::step]):
        states[:, now].addcmul_(reach[:, now], last[:, before])
    return states.flatten(1, 2)[:, :length]


class DifferentiableScan(torch.autograd.Function):
    """The scan with its gradient, which is the same recurrence from the end to the start."""

    @staticmethod
    def forward(ctx, decay, added, chunk):
        """The states, see ``linear_scan``."""
        states = linear_scan(decay, added, chunk)
        ctx.save_for_backward(decay, states)
        ctx.chunk = chunk
        return states

    @staticmethod
    def backward(ctx, slope):
        """The gradients by decay and added."""
        decay, states = ctx.saved_tensors
        slope = linear_scan(decay.roll(-1, 1).conj(), slope, ctx.chunk, step=-1)
        by_decay = torch.zeros_like(states)
        torch.mul(slope[:, 1:], states[:, :-1].conj(), out=by_decay[:, 1:])
        return by_decay, slope, None


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
        return X, {"states": DifferentiableScan.apply(decay, added, self.chunk)}


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
