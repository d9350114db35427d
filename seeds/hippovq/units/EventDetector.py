# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


def event_head(embed_dim, at_most):
    """Largest divisor of ``embed_dim`` not above ``at_most``."""
    return next(d for d in range(at_most, 0, -1) if embed_dim % d == 0)


class EventDetector(GAUBase):
    """Says for each head how much of an event a position is, from it and from what changed.

    Inputs: X (B, L, D), passed on unchanged. Outputs: Y = X; events (B, L, H) between 0 and 1.
    ``memory_head`` is an upper bound; the largest divisor of D below it is the width of a head.
    Source: the design HiPPOVQ of the Genesys paper, fig. 57.
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, memory_head=16, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        heads = embed_dim // event_head(embed_dim, memory_head)
        self.score = nn.Linear(2 * embed_dim, heads, **self.factory_kwargs)

    def _forward(self, X, **Z):
        change = X - functional.pad(X[:, :-1], (0, 0, 1, 0))
        return X, {"events": self.score(torch.cat((X, change), dim=-1)).sigmoid()}


@gau_test
def test_eventdetector_sees_a_change(device=None, dtype=None) -> None:
    unit = EventDetector(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 1, 32, device=device, dtype=dtype).repeat(1, 9, 1)
    X[:, 5:] *= -1
    events = unit(X)[1]["events"][0].float()
    assert torch.allclose(events[1:5], events[1].expand(4, -1), atol=1e-2)
    assert not torch.allclose(events[5], events[6], atol=1e-3)


CHILDREN_DECLARATIONS = []
