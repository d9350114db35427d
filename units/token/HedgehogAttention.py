# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


def hedgehog_head_dim(embed_dim, at_most):
    """Largest divisor of ``embed_dim`` not above ``at_most``."""
    return next(d for d in range(at_most, 0, -1) if embed_dim % d == 0)


def hedgehog_features(x, weight):
    """Softmaxes of x W and -x W, side by side: (B, H, L, d), (H, d, d) give (B, H, L, 2 d)."""
    turned = x @ weight
    return torch.cat((turned.softmax(-1), (-turned).softmax(-1)), dim=-1)


class HedgehogAttention(GAUBase):
    """Linear attention with learned features that are as spiky as softmax.

    ``y_t = sum over s <= t of (f(q_t) . g(k_s)) v_s`` over the sum of these weights, with
    ``f(x) = [softmax(x W), softmax(-x W)]`` for each head and g alike.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest divisor of D below it is taken.
    Source: Zhang et al. 2024, arXiv 2402.04347 [hedgehog].
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, head_dim=32, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        d = hedgehog_head_dim(embed_dim, head_dim)
        self.heads = embed_dim // d
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim, bias=False, **self.factory_kwargs)
        self.query_map = nn.Parameter(torch.empty(self.heads, d, d, **self.factory_kwargs))
        self.key_map = nn.Parameter(torch.empty(self.heads, d, d, **self.factory_kwargs))
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.memory = HeadDecayMemory(**{**kwarg_all, **common, **self.factory_kwargs})
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self):
        """Maps that change nothing."""
        for weight in (self.query_map, self.key_map):
            weight.copy_(torch.eye(weight.shape[-1]).expand_as(weight))

    def _forward(self, X, **Z):
        heads = self.qkv(X).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        q, k, v = heads.to(torch.promote_types(X.dtype, torch.float32))
        q = hedgehog_features(q, self.query_map.to(q.dtype))
        k = hedgehog_features(k, self.key_map.to(k.dtype))
        # The sum of the weights is held as one more value channel.
        v = functional.pad(v, (0, 1), value=1.0)
        state = {"q": q, "k": k, "v": v, "log_decay": torch.zeros_like(q[..., 0])}
        read = self.memory(X, **{**Z, **state})[1]["read"]
        Y = read[..., :-1] / (read[..., -1:] + 1e-6)
        return self.out(Y.transpose(1, 2).flatten(-2).to(X.dtype))


@gau_test
def test_hedgehog_features_are_two_shares(device=None, dtype=None) -> None:
    features = hedgehog_features(5 * torch.randn(2, 3, 7, 8), torch.randn(3, 8, 8))
    assert features.min() >= 0
    assert torch.allclose(features.unflatten(-1, (2, 8)).sum(-1), torch.ones(2, 3, 7, 2))


@gau_test
def test_hedgehogattention_of_equal_keys_is_the_mean(device=None, dtype=None) -> None:
    unit = HedgehogAttention(
        embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype
    )
    nn.init.zeros_(unit.qkv.weight[:64])
    nn.init.eye_(unit.qkv.weight[64:])
    nn.init.eye_(unit.out.weight)
    X = torch.randn(2, 50, 32, device=device, dtype=dtype)
    count = torch.arange(1, 51, device=device)[:, None]
    assert torch.allclose(unit(X)[0], X.cumsum(1) / count, atol=5e-2)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="HeadDecayMemory",
        requirements="Sum up k v^T of each head, faded by log_decay, and read it with q.",
        inputs=["X", "q", "k", "v", "log_decay"],
        outputs=["Y", "read"],
    )
]
