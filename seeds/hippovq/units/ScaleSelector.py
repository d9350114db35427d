# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


def selector_head(embed_dim, at_most):
    """Largest divisor of ``embed_dim`` not above ``at_most``."""
    return next(d for d in range(at_most, 0, -1) if embed_dim % d == 0)


class ScaleSelector(GAUBase):
    """Weighs the scales of memory for each head by a softmax; events move the weights.

    Inputs: X (B, L, D), passed on unchanged; events (B, L, H).
    Outputs: Y = X; scale_weights (B, L, H, S), which sum to 1 over S.
    ``memory_head`` is an upper bound; the largest divisor of D below it is the width of a head.
    Source: the design HiPPOVQ of the Genesys paper, fig. 57.
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
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        heads, self.scales = embed_dim // selector_head(embed_dim, memory_head), len(windows)
        self.score = nn.Linear(embed_dim, heads * self.scales, **self.factory_kwargs)
        # An event starts with an inclination to short memories.
        slope = torch.linspace(1, -1, self.scales).repeat(heads, 1)
        self.of_event = nn.Parameter(slope.to(**self.factory_kwargs))

    def _forward(self, X, events=None):
        if events is None:
            raise ValueError("ScaleSelector needs events of shape (B, L, H) in Z")
        score = self.score(X).unflatten(-1, (-1, self.scales))
        return X, {"scale_weights": (score + events.unsqueeze(-1) * self.of_event).softmax(-1)}


@gau_test
def test_scaleselector_events_ask_for_short_memories(device=None, dtype=None) -> None:
    unit = ScaleSelector(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    calm = unit(X, events=torch.zeros_like(X[..., :2]))[1]["scale_weights"]
    event = unit(X, events=torch.ones_like(X[..., :2]))[1]["scale_weights"]
    assert (event[..., 0] > calm[..., 0]).all()
    assert (event[..., -1] < calm[..., -1]).all()


CHILDREN_DECLARATIONS = []
