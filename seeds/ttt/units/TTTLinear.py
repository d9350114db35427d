# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test

TTT_EPS = 1e-6


def ttt_head_dim(embed_dim, at_most):
    """Largest even divisor of ``embed_dim`` not above ``at_most`` (rotary turns pairs)."""
    fitting = [d for d in range(2, at_most + 1, 2) if embed_dim % d == 0]
    if not fitting:
        raise ValueError(f"TTTLinear needs an even embed_dim, got {embed_dim}")
    return fitting[-1]


def ttt_batches(x, size):
    """Cut x (B, L, H * d) into mini-batches (B, H, n, C, d), given ``size = (H, C)``."""
    heads, batch = size
    padded = functional.pad(x, (0, 0, 0, -x.shape[1] % batch))
    return padded.unflatten(2, (heads, -1)).unflatten(1, (-1, batch)).permute(0, 3, 1, 2, 4)


def ttt_gradient(Z, offset, gain):
    """Gradient of the inner loss by Z = k W + b, of zero mean over its last axis like Z itself.

    The loss is ``|gamma * z + beta - (v - k)|^2 / 2`` with z the layer-normed Z, written with
    ``offset = gamma * (beta - (v - k))`` and ``gain = gamma ** 2``.
    """
    scale = torch.rsqrt(Z.square().mean(-1, keepdim=True) + TTT_EPS)
    z = Z * scale
    slope = torch.addcmul(offset, gain, z)
    slope = slope - slope.mean(-1, keepdim=True)
    return scale * (slope - z * (slope * z).mean(-1, keepdim=True))


def ttt_linear(q, k, v, eta, state, norm):
    """Outputs of a linear model that takes a gradient step at each position.

    The model is ``f(x) = x + LN(x W + b)``. Within a mini-batch all gradients are taken at its
    start, and position t reads ``W_t = W - sum over s <= t of eta_s k_s^T g_s`` without ever
    forming W_t (the dual form).

    Args:
        q: Test views (B, H, n, C, d): n mini-batches of C positions.
        k: Training views, like q.
        v: Labels, like q.
        eta: Step sizes (B, H, n, C, 1).
        state: W (H, d, d) and b (H, 1, d) before the first position.
        norm: gamma and beta of LN, each (H, 1, d).

    Returns:
        f(q) of shape (B, H, n, C, d).
    """
    gamma, beta = norm
    # With W and b of zero mean over the output channels, so are Z and all gradients.
    W, b = (x - x.mean(-1, keepdim=True) for x in state)
    W, b = (x.expand(q.shape[0], -1, -1, -1) for x in (W, b))
    offset = gamma[:, None] * (beta[:, None] - (v - k))
    gain = gamma.square()
    steps = zip(k.unbind(2), offset.unbind(2), (eta * k).mT.unbind(2), eta.unbind(2), strict=True)
    weights, biases, gradients = [], [], []
    for k_BHCd, offset_BHCd, step_BHdC, eta_BHC1 in steps:
        weights.append(W)
        biases.append(b)
        gradients.append(ttt_gradient(k_BHCd @ W + b, offset_BHCd, gain))
        W = W - step_BHdC @ gradients[-1]
        b = b - eta_BHC1.mT @ gradients[-1]
    W, b, g = (torch.stack(x, dim=2) for x in (weights, biases, gradients))
    Z = q @ W + b - ((q @ k.mT + 1) * eta.mT).tril() @ g
    z = functional.layer_norm(Z, Z.shape[-1:], eps=TTT_EPS)
    return q + torch.addcmul(beta[:, None], gamma[:, None], z)


class TTTLinear(GAUBase):
    """Sequence mixing by test-time training: the hidden state is a linear model's weights.

    At each position the model learns to reconstruct the label v from the training view k, with
    a step size that the data set, and is then asked for its output on the test view q.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest even divisor of D below it is taken.
    ``ttt_batch`` is how many positions share the point at which gradients are taken.
    Source: Sun et al. 2024, arXiv 2407.04620, sections 2.2 to 2.7.
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        head_dim=32,
        ttt_batch=16,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        d = ttt_head_dim(embed_dim, head_dim)
        heads = embed_dim // d
        self.size = (heads, ttt_batch)
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim, bias=False, **self.factory_kwargs)
        self.rate = nn.Linear(embed_dim, heads, **self.factory_kwargs)
        self.weight = nn.Parameter(torch.empty(heads, d, d, **self.factory_kwargs))
        self.bias = nn.Parameter(torch.zeros(heads, 1, d, **self.factory_kwargs))
        self.gamma = nn.Parameter(torch.ones(heads, 1, d, **self.factory_kwargs))
        self.beta = nn.Parameter(torch.zeros(heads, 1, d, **self.factory_kwargs))
        nn.init.normal_(self.weight, std=d**-0.5)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.rotary = RotaryPositionalEmbeddings(**common, **self.factory_kwargs, **kwarg_all)
        self.norm = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)

    def turned(self, X, q, k, Z):
        """Give q and k (B, H, n, C, d) their position within the mini-batch."""
        flat = {"q": q.flatten(1, 2), "k": k.flatten(1, 2)}
        _, Z = self.rotary(X, **{**Z, **flat})
        return Z["q"].reshape(q.shape), Z["k"].reshape(k.shape)

    def _forward(self, X, **Z):
        wide = torch.promote_types(X.dtype, torch.float32)
        heads, batch = self.size
        size = (heads, min(batch, X.shape[1]))
        q, k, v = (ttt_batches(x, size) for x in self.qkv(X).to(wide).chunk(3, dim=-1))
        q, k = self.turned(X, q, k, Z)
        # Padding gets a step size of zero. The loss is a mean over channels: hence / d.
        eta = ttt_batches(self.rate(X).to(wide).sigmoid() / q.shape[-1], size)
        state = (self.weight.to(wide), self.bias.to(wide))
        Y = ttt_linear(q, k, v, eta, state, (self.gamma.to(wide), self.beta.to(wide)))
        Y = Y.permute(0, 2, 3, 1, 4).flatten(1, 2)[:, : X.shape[1]].flatten(-2)
        normed, _ = self.norm(Y.to(X.dtype), **Z)
        return self.out(normed)


@gau_test
def test_ttt_gradient_is_that_of_the_inner_loss(device=None, dtype=None) -> None:
    Z, target, gamma, beta = torch.randn(4, 2, 3, 5, 8, dtype=torch.float64)
    Z = (Z - Z.mean(-1, keepdim=True)).requires_grad_()
    z = functional.layer_norm(Z, (8,), eps=TTT_EPS)
    loss = (gamma * z + beta - target).square().sum() / 2
    (expected,) = torch.autograd.grad(loss, Z)
    got = ttt_gradient(Z, gamma * (beta - target), gamma.square())
    assert torch.allclose(got, expected)


@gau_test
def test_tttlinear_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = TTTLinear(embed_dim=48, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 40, 48, device=device, dtype=dtype)
    changed = torch.cat((X[:, :33], torch.randn_like(X[:, 33:])), dim=1)
    before, after = unit(X)[0], unit(changed)[0]
    assert torch.allclose(before[:, :33], after[:, :33], atol=1e-5)
    assert not torch.allclose(before[:, 33:], after[:, 33:], atol=1e-3)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="RotaryPositionalEmbeddings",
        requirements="Give test and training views their position; keep their shape (B, H, L, d).",
        inputs=["X", "q", "k"],
        outputs=["Y", "q", "k"],
    ),
    UnitDecl(
        unitname="RMSNorm",
        requirements="Normalise each position of what the heads give.",
        inputs=["X"],
        outputs=["Y"],
    ),
]
