# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


def linear_attention_head_dim(embed_dim, at_most):
    """Largest divisor of ``embed_dim`` not above ``at_most``."""
    return next(d for d in range(at_most, 0, -1) if embed_dim % d == 0)


class LinearAttention(GAUBase):
    """Attention whose softmax is a product of positive features, summed up as it goes.

    With ``f(x) = elu(x) + 1``: ``S_t = S_{t-1} + f(k_t) v_t^T``, ``z_t = z_{t-1} + f(k_t)`` and
    ``y_t = S_t^T f(q_t) / (z_t . f(q_t))``. The sum z is held as one more value channel.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest divisor of D below it is taken.
    Source: Katharopoulos et al. 2020, arXiv 2006.16236 [lineartransformer].
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, head_dim=32, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.heads = embed_dim // linear_attention_head_dim(embed_dim, head_dim)
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim, bias=False, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.memory = HeadDecayMemory(**{**kwarg_all, **common, **self.factory_kwargs})

    def _forward(self, X, **Z):
        heads = self.qkv(X).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        q, k, v = heads.to(torch.promote_types(X.dtype, torch.float32))
        q, k = (functional.elu(x) + 1 for x in (q, k))
        v = functional.pad(v, (0, 1), value=1.0)
        state = {"q": q, "k": k, "v": v, "log_decay": torch.zeros_like(q[..., 0])}
        read = self.memory(X, **{**Z, **state})[1]["read"]
        # Features can be zero: then nothing is read.
        Y = read[..., :-1] / (read[..., -1:] + 1e-6)
        return self.out(Y.transpose(1, 2).flatten(-2).to(X.dtype))


@gau_test
def test_linearattention_of_equal_keys_is_the_mean(device=None, dtype=None) -> None:
    unit = LinearAttention(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
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
