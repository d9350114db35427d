# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


class HierarchicalMemoryIntegrator(GAUBase):
    """Memories of codes at several decays, gated, side by side, mapped back to D channels.

    ``H_t = a H_{t-1} + b c_t`` for each scale, with a decay ``a = sigmoid(decay)`` and an amount b
    of each channel that are learned. Scale s, from 0, starts with a memory of ``scale_steps^s``
    positions. A swish branch of X gates all scales alike.

    Inputs: X (B, L, D); codes c (B, L, D). Outputs: Y (B, L, D).
    Source: the design VQH of the Genesys paper, app. G.2, where scale s steps by s positions and so
    sees only each s-th; here all scales see all positions and differ by their decays. The gate is
    that of Mamba2, Dao and Gu 2024, arXiv 2405.21060.
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        scales=3,
        scale_steps=4.0,
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
        self.gate = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.out = nn.Linear(width, embed_dim, bias=False, **self.factory_kwargs)
        self.reset_parameters(scale_steps)

    @torch.no_grad()
    def reset_parameters(self, scale_steps):
        """Amounts keep the variance of codes that do not depend on each other."""
        steps = (scale_steps ** torch.arange(self.scales)).clamp(min=1.05)
        steps = steps.repeat_interleave(self.embed_dim)
        self.decay.copy_((steps - 1).log())
        self.amount.copy_((1 - (1 - 1 / steps) ** 2).sqrt())

    def _forward(self, X, codes=None, **Z):
        if codes is None:
            raise ValueError("HierarchicalMemoryIntegrator needs codes of shape (B, L, D) in Z")
        wide = torch.promote_types(X.dtype, torch.float32)
        keep = self.decay.to(wide).sigmoid().expand(1, X.shape[1], -1)
        H, _ = self.scan(codes.repeat(1, 1, self.scales) * self.amount, **{**Z, "keep": keep})
        return self.out(H * functional.silu(self.gate(X)).repeat(1, 1, self.scales))


@gau_test
def test_hierarchicalmemoryintegrator_slow_scales_remember(device=None, dtype=None) -> None:
    unit = HierarchicalMemoryIntegrator(8, (0, 1), {}, scale_steps=10.0)
    memories = []
    unit.out.forward = lambda H: memories.append(H) or H[..., :8]
    codes = torch.zeros(1, 60, 8)
    codes[:, 0] = 1.0
    unit(torch.ones(1, 60, 8), codes=codes)
    left = (memories[0][0, -1] / memories[0][0, 0]).view(3, 8)[:, 0]
    assert torch.allclose(left, torch.tensor([0.0, 0.9, 0.99]) ** 59, atol=1e-3)


@gau_test
def test_hierarchicalmemoryintegrator_closed_gate(device=None, dtype=None) -> None:
    unit = HierarchicalMemoryIntegrator(32, (0, 1), {}, device=device, dtype=dtype)
    X = torch.zeros(2, 9, 32, device=device, dtype=dtype)
    assert torch.equal(unit(X, codes=torch.randn_like(X))[0], X)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="GatedScan",
        requirements="Run h_t = keep_t h_{t-1} + X_t over the positions.",
        inputs=["X", "keep"],
        outputs=["Y"],
    )
]
