# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, UnitDecl, gau_test


class HierarchicalMemoryIntegrator(GAUBase):
    """Memories of the input at several decays, side by side, mapped back to D channels.

    ``H_t = a H_{t-1} + b x_t`` for each scale, with a decay ``a = sigmoid(decay)`` and an amount b
    of each channel that are learned. Scale s starts with a memory of ``first_steps^s`` positions.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: the design VQH of the Genesys paper, app. G.2, where scale s steps by s positions and so
    sees only each s-th; here all scales see all positions and differ by their decays.
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        scales=3,
        first_steps=4.0,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        width = scales * embed_dim
        self.scales = scales
        self.decay = nn.Parameter(torch.empty(width, **self.factory_kwargs))
        self.amount = nn.Parameter(torch.empty(width, **self.factory_kwargs))
        common = {"embed_dim": width, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.scan = GatedScan(**common, **self.factory_kwargs, **kwarg_all)
        self.out = nn.Linear(width, embed_dim, bias=False, **self.factory_kwargs)
        self.reset_parameters(first_steps)

    @torch.no_grad()
    def reset_parameters(self, first_steps):
        """Amounts keep the variance of inputs that do not depend on each other."""
        steps = first_steps ** torch.arange(1.0, self.scales + 1)
        steps = steps.repeat_interleave(self.embed_dim)
        self.decay.copy_((steps - 1).log())
        self.amount.copy_((1 - (1 - 1 / steps) ** 2).sqrt())

    def _forward(self, X, **Z):
        wide = torch.promote_types(X.dtype, torch.float32)
        keep = self.decay.to(wide).sigmoid().expand(1, X.shape[1], -1)
        H, _ = self.scan(X.repeat(1, 1, self.scales) * self.amount, **{**Z, "keep": keep})
        return self.out(H)


@gau_test
def test_hierarchicalmemoryintegrator_slow_scales_remember(device=None, dtype=None) -> None:
    unit = HierarchicalMemoryIntegrator(8, (0, 1), {}, first_steps=10.0)
    memories = []
    unit.out.forward = lambda H: memories.append(H) or H[..., :8]
    X = torch.zeros(1, 60, 8)
    X[:, 0] = 1.0
    unit(X)
    left = (memories[0][0, -1] / memories[0][0, 0]).view(3, 8)[:, 0]
    assert torch.allclose(left, torch.tensor([0.9, 0.99, 0.999]) ** 59, atol=1e-3)


@gau_test
def test_hierarchicalmemoryintegrator_starts_at_unit_variance(device=None, dtype=None) -> None:
    unit = HierarchicalMemoryIntegrator(64, (0, 1), {}, device=device, dtype=dtype)
    Y, _ = unit(torch.randn(4, 300, 64, device=device, dtype=dtype))
    scale = Y[:, 200:].float().square().mean().item()
    assert 0.5 < scale * 3 < 1.5  # the map to D channels divides the variance by 3


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="GatedScan",
        requirements="Run h_t = keep_t h_{t-1} + X_t over the positions.",
        inputs=["X", "keep"],
        outputs=["Y"],
    )
]
