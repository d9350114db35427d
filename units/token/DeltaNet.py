# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


def deltanet_head_dim(embed_dim, at_most):
    """Largest divisor of ``embed_dim`` not above ``at_most``."""
    return next(d for d in range(at_most, 0, -1) if embed_dim % d == 0)


class DeltaNet(GAUBase):
    """Fast weights that are corrected instead of only added to.

    ``S_t = (I - b_t k_t k_t^T) S_{t-1} + b_t k_t v_t^T`` and ``y_t = S_t^T q_t``, with
    ``b_t = sigmoid(x_t w)``, q, k and v behind a short convolution and SiLU, and q and k of
    unit length. Each head's output is normalised.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest divisor of D below it is taken.
    Source: Schlag et al. 2021, arXiv 2102.11174 [deltanet]; Yang et al. 2024, arXiv 2406.06484.
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, head_dim=32, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.heads = embed_dim // deltanet_head_dim(embed_dim, head_dim)
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim, bias=False, **self.factory_kwargs)
        self.rate = nn.Linear(embed_dim, self.heads, bias=False, **self.factory_kwargs)
        self.norm_scale = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        common = {"block_loc": block_loc, "kwarg_all": kwarg_all, **self.factory_kwargs}
        self.conv = ShortConvolution(**{**kwarg_all, **common, "embed_dim": 3 * embed_dim})
        self.memory = DeltaRuleMemory(**{**kwarg_all, **common, "embed_dim": embed_dim})

    def _forward(self, X, **Z):
        mixed = functional.silu(self.conv(self.qkv(X), **Z)[0])
        heads = mixed.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        q, k, v = heads.to(torch.promote_types(X.dtype, torch.float32))
        q, k = (functional.normalize(x, dim=-1, eps=1e-6) for x in (q, k))
        beta = self.rate(X).to(q.dtype).sigmoid().transpose(1, 2)
        state = {"q": q, "k": k, "v": v, "beta": beta, "log_decay": torch.zeros_like(beta)}
        read = self.memory(X, **{**Z, **state})[1]["read"]
        Y = functional.rms_norm(read, read.shape[-1:], eps=1e-5).transpose(1, 2).flatten(-2)
        return self.out((Y * self.norm_scale).to(X.dtype))


@gau_test
def test_deltanet_writes_nothing_twice(device=None, dtype=None) -> None:
    unit = DeltaNet(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 1, 32, device=device, dtype=dtype).expand(2, 60, 32)
    Y, _ = unit(X)
    assert torch.allclose(Y[:, 50], Y[:, 59], atol=5e-2)


@gau_test
def test_deltanet_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = DeltaNet(embed_dim=48, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 80, 48, device=device, dtype=dtype)
    changed = torch.cat((X[:, :66], torch.randn_like(X[:, 66:])), dim=1)
    before, after = unit(X)[0], unit(changed)[0]
    assert torch.allclose(before[:, :66], after[:, :66], atol=1e-5)
    assert not torch.allclose(before[:, 66:], after[:, 66:], atol=1e-3)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="ShortConvolution",
        requirements="Mix each channel with the last few positions.",
        inputs=["X"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="DeltaRuleMemory",
        requirements="Correct what each head holds under k towards v by beta; read with q.",
        inputs=["X", "q", "k", "v", "beta", "log_decay"],
        outputs=["Y", "read"],
    ),
]
