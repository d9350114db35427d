# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


def ternary_rounded(exact, rounded):
    """The rounded value, with the gradient of the exact one."""
    return exact + (rounded - exact).detach()


def ternary_linear(x, weight):
    """Linear map of normed x by weights of -s, 0 and s, with x rounded to 255 steps a position."""
    x = functional.rms_norm(x, x.shape[-1:], eps=1e-5)
    step = x.abs().amax(-1, keepdim=True).clamp(min=1e-5) / 127
    x = ternary_rounded(x, (x / step).round() * step)
    scale = weight.abs().mean().clamp(min=1e-5)
    weight = ternary_rounded(weight, (weight / scale).round().clamp(-1, 1) * scale)
    return functional.linear(x, weight)


class TernaryGluMLP(GAUBase):
    """Gated feed-forward layer that needs no products: its weights are -1, 0 or 1 times a scale.

    ``(silu(X G) * (X U)) W``, where each matrix is rounded to three values and its input, normed
    first, to 8 bits; gradients pass the rounding as if it were not there.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Zhu et al. 2024, arXiv 2406.02528 [matmulfree].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        hidden = max(16, 16 * round(embed_dim / 6))
        self.gate = nn.Parameter(torch.randn(hidden, embed_dim, **self.factory_kwargs))
        self.up = nn.Parameter(torch.randn(hidden, embed_dim, **self.factory_kwargs))
        self.down = nn.Parameter(torch.randn(embed_dim, hidden, **self.factory_kwargs))
        with torch.no_grad():
            for weight in (self.gate, self.up, self.down):
                weight.mul_(weight.shape[1] ** -0.5)

    def _forward(self, X, **Z):
        gate, up = ternary_linear(X, self.gate), ternary_linear(X, self.up)
        return ternary_linear(functional.silu(gate) * up, self.down)


@gau_test
def test_ternaryglumlp_has_three_weights(device=None, dtype=None) -> None:
    weight = torch.randn(8, 6, device=device)
    found = ternary_linear(torch.eye(6, device=device), weight) / 6**0.5
    assert len(found.unique().mul(1e3).round().unique()) == 3


@gau_test
def test_ternaryglumlp_learns_through_the_rounding(device=None, dtype=None) -> None:
    mlp = TernaryGluMLP(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    mlp(torch.randn(2, 5, 32, device=device, dtype=dtype))[0].sum().backward()
    assert all(weight.grad.abs().sum() > 0 for weight in mlp.parameters())


CHILDREN_DECLARATIONS = []
