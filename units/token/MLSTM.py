# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


def mlstm_head_dim(embed_dim, at_most):
    """Largest even divisor of ``embed_dim`` not above ``at_most`` (keys are half as wide)."""
    return next(d for d in range(at_most, 1, -1) if embed_dim % d == 0 and d % 2 == 0)


def mlstm_gates(i, f):
    """Scaled gates of each position (B, H, L), and the logarithm of their scale.

    ``S_t = sigmoid(f_t) S_{t-1} + exp(i_t) k_t v_t^T`` would overflow. With F the sum of
    log sigmoid(f), and ``m_t = F_t + max over s <= t of (i_s - F_s)``, the state times exp(-m_t)
    fades by exp(fade) and adds exp(write), neither of which is above 1.

    Returns:
        write, fade and m.
    """
    total = functional.logsigmoid(f).cumsum(-1)
    # The scale cancels out: no gradient passes through it.
    top = (i - total).detach().cummax(-1).values
    fade = functional.pad(top, (1, 0), mode="replicate")[..., :-1] - top
    return i - total - top, fade, total + top


class MLSTM(GAUBase):
    """LSTM with a matrix for a cell, an exponential input gate and no recurrent weights.

    ``C_t = f_t C_{t-1} + i_t k_t v_t^T``, ``n_t = f_t n_{t-1} + i_t k_t`` and
    ``h_t = o_t * (C_t^T q_t) / max(|n_t . q_t|, 1)`` with ``i = exp``, f and o sigmoid. The sum
    n is held as one more value channel. Each head's output is normalised before the gate o.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest even divisor of D below it is taken.
    Source: Beck et al. 2024, arXiv 2405.04517, section 2.3 [xlstm].
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, head_dim=32, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.heads = embed_dim // mlstm_head_dim(embed_dim, head_dim)
        half = embed_dim // 2
        self.sizes = [half, half, embed_dim, embed_dim]
        self.qkvo = nn.Linear(embed_dim, sum(self.sizes), bias=False, **self.factory_kwargs)
        self.gates = nn.Linear(embed_dim, 2 * self.heads, **self.factory_kwargs)
        self.norm_scale = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.memory = HeadDecayMemory(**{**kwarg_all, **common, **self.factory_kwargs})
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self):
        """Forget gates from 0.95 (first head) to 0.998 (last head), as published."""
        nn.init.zeros_(self.gates.bias[: self.heads])
        self.gates.bias[self.heads :].copy_(torch.linspace(3, 6, self.heads))

    def _forward(self, X, **Z):
        wide = torch.promote_types(X.dtype, torch.float32)
        *qkv, o = self.qkvo(X).split(self.sizes, dim=-1)
        q, k, v = (x.unflatten(-1, (self.heads, -1)).transpose(1, 2).to(wide) for x in qkv)
        i, f = self.gates(X).to(wide).transpose(1, 2).chunk(2, dim=1)
        write, fade, m = mlstm_gates(i, f)
        k = k * (write.exp() * k.shape[-1] ** -0.5).unsqueeze(-1)
        state = {"q": q, "k": k, "v": functional.pad(v, (0, 1), value=1.0), "log_decay": fade}
        read = self.memory(X, **{**Z, **state})[1]["read"]
        one = (-m).clamp(max=80).exp().unsqueeze(-1)
        h = read[..., :-1] / torch.maximum(read[..., -1:].abs(), one)
        h = functional.layer_norm(h, h.shape[-1:]).transpose(1, 2).flatten(-2)
        return self.out((h * self.norm_scale).to(X.dtype) * o.sigmoid())


@gau_test
def test_mlstm_scaled_gates_are_the_gates(device=None, dtype=None) -> None:
    i, f = torch.randn(2, 2, 3, 40, dtype=torch.float64)
    write, fade, m = mlstm_gates(i, f)
    assert write.max() <= 0
    assert fade.max() <= 0
    assert torch.allclose((write + m).exp(), i.exp())
    assert torch.allclose(
        (fade + m.diff(dim=-1, prepend=m[..., :1]))[..., 1:].exp(), f.sigmoid()[..., 1:]
    )


@gau_test
def test_mlstm_huge_gates_are_finite(device=None, dtype=None) -> None:
    unit = MLSTM(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    for bias in (-1e3, 1e3):
        nn.init.constant_(unit.gates.bias, bias)
        Y, _ = unit(torch.randn(2, 40, 32, device=device, dtype=dtype))
        assert torch.isfinite(Y).all()


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="HeadDecayMemory",
        requirements="Sum up k v^T of each head, faded by log_decay, and read it with q.",
        inputs=["X", "q", "k", "v", "log_decay"],
        outputs=["Y", "read"],
    )
]
