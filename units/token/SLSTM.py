# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


def slstm_head_dim(embed_dim, at_most):
    """Largest divisor of ``embed_dim`` not above ``at_most``."""
    return next(d for d in range(at_most, 0, -1) if embed_dim % d == 0)


class SLSTMSteps(torch.autograd.Function):
    """Hidden states of the cell, step by step: the gates read the state before.

    With the cell c and its normaliser n of the paper, the state held is y = c / n and
    ``level`` = log n, which cannot overflow and need no further stabiliser:
    ``level' = log(exp(level) f + exp(i))`` and ``y' = y + (i / n') (z - y)``. The gradient is
    written out: few operations a step, and what no step waits for is done at once.
    """

    @staticmethod
    def forward(ctx, inputs, recurrent):
        """Walk the cell.

        Args:
            ctx: Keeps the states for the way back.
            inputs: What i, f, z and o get from each position, (L, H, B, 4 d).
            recurrent: What they get from the state before, (H, d, 4 d).

        Returns:
            h of shape (L, H, B, d).
        """
        h = y = inputs.new_zeros(*inputs.shape[1:3], recurrent.shape[1])
        level = torch.full_like(h, -1e30)
        before, gates, hidden = [], [], []
        for step in inputs.unbind(0):
            before.append(torch.stack((h, y, level)))
            gates.append(torch.baddbmm(step, h, recurrent).to(step.dtype))
            i, f, z, o = gates[-1].chunk(4, dim=-1)
            kept = functional.logsigmoid(f) + level
            y = torch.lerp(y, z.tanh(), (i - kept).sigmoid())
            level = torch.logaddexp(kept, i)
            h = o.sigmoid() * y
            hidden.append(h)
        ctx.save_for_backward(torch.stack(gates), torch.stack(before, dim=1), recurrent)
        return torch.stack(hidden)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):
        """Gradients by the inputs and the recurrent weights, from that by h."""
        gates, (h, y, level), recurrent = ctx.saved_tensors
        i, f, z, o = gates.chunk(4, dim=-1)
        share, z, opened = (i - functional.logsigmoid(f) - level).sigmoid(), z.tanh(), o.sigmoid()
        factors = (
            opened,
            1 - share,
            (y - z) * share * (1 - share),
            (-f).sigmoid(),
            share * (1 - z.square()),
            torch.lerp(y, z, share) * opened * (1 - opened),
        )
        dy = dlevel = torch.zeros_like(h[0])
        slopes, slope, back = [], torch.zeros_like(gates[0]), recurrent.mT
        steps = (x.flip(0).unbind(0) for x in (grad, *factors))
        for given, by_h, stay, by_kept, by_f, by_z, by_o in zip(*steps, strict=True):
            dh = torch.baddbmm(given, slope, back).to(dy.dtype)
            dy = torch.addcmul(dy, dh, by_h)
            dkept = torch.addcmul(dy * by_kept, dlevel, stay)
            slope = torch.cat((dlevel - dkept, dkept * by_f, dy * by_z, dh * by_o), dim=-1)
            slopes.append(slope)
            dy, dlevel = dy * stay, dkept
        slopes = torch.stack(slopes).flip(0)
        return slopes, torch.einsum("lhbd,lhbe->hde", h, slopes).to(recurrent.dtype)


class SLSTM(GAUBase):
    """LSTM with an exponential input gate, a normaliser, and memory mixed within each head.

    ``c_t = f_t c_{t-1} + i_t z_t``, ``n_t = f_t n_{t-1} + i_t`` and ``h_t = o_t c_t / n_t``;
    ``i = exp``, f and o sigmoid, z tanh of ``x_t W + h_{t-1} R + b``, R a matrix of each head.
    Each head's output is normalised.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest divisor of D below it is taken.
    Source: Beck et al. 2024, arXiv 2405.04517, section 2.2 [xlstm].
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, head_dim=32, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        d = slstm_head_dim(embed_dim, head_dim)
        self.heads = embed_dim // d
        self.gates = nn.Linear(embed_dim, 4 * embed_dim, **self.factory_kwargs)
        self.recurrent = nn.Parameter(torch.empty(self.heads, d, 4 * d, **self.factory_kwargs))
        self.norm_scale = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self):
        """Forget gates from 0.95 (first channel of a head) to 0.998 (last)."""
        nn.init.normal_(self.recurrent, std=0.5 * self.recurrent.shape[1] ** -0.5)
        bias = self.gates.bias.unflatten(0, (self.heads, 4, -1))
        nn.init.zeros_(bias)
        bias[:, 1] = torch.linspace(3, 6, bias.shape[-1])

    def _forward(self, X, **Z):
        wide = torch.promote_types(X.dtype, torch.float32)
        inputs = self.gates(X).unflatten(-1, (self.heads, -1)).permute(1, 2, 0, 3)
        h = SLSTMSteps.apply(inputs.to(wide).contiguous(), self.recurrent.to(wide))
        h = functional.layer_norm(h, h.shape[-1:]).permute(2, 0, 1, 3).flatten(-2)
        return (h * self.norm_scale).to(X.dtype)


@gau_test
def test_slstm_is_the_cell_of_the_paper(device=None, dtype=None) -> None:
    inputs, recurrent = torch.randn(9, 2, 3, 16).double(), torch.randn(2, 4, 16).double()
    h = c = n = torch.zeros(2, 3, 4).double()
    for x, got in zip(inputs, SLSTMSteps.apply(inputs, recurrent), strict=True):
        i, f, z, o = (x + h @ recurrent).chunk(4, dim=-1)
        c = f.sigmoid() * c + i.exp() * z.tanh()
        n = f.sigmoid() * n + i.exp()
        h = o.sigmoid() * c / n
        assert torch.allclose(got, h)


@gau_test
def test_slstm_gradients_are_those_of_the_cell(device=None, dtype=None) -> None:
    inputs, recurrent = torch.randn(5, 2, 3, 8).double(), torch.randn(2, 2, 8).double()
    assert torch.autograd.gradcheck(
        SLSTMSteps.apply, (inputs.requires_grad_(), recurrent.requires_grad_())
    )


@gau_test
def test_slstm_huge_gates_are_finite(device=None, dtype=None) -> None:
    unit = SLSTM(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    for bias in (-1e3, 1e3):
        nn.init.constant_(unit.gates.bias, bias)
        Y, _ = unit(torch.randn(2, 20, 32, device=device, dtype=dtype))
        assert torch.isfinite(Y).all()


CHILDREN_DECLARATIONS = []
