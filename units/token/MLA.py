# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


class MLA(GAUBase):
    """Causal attention whose keys and values are read from one narrow latent per position.

    ``c = norm(X W_c)`` (B, L, D / 2) and one rotary key r that all heads share are all that a
    cache has to keep. A head has keys ``[c W_k, r]``, values ``c W_v`` and queries with a part
    for each.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``head_dim`` is an upper bound; the largest even divisor of D below it is taken.
    ``rotary_dim`` is the width of r.
    Source: DeepSeek-AI 2024, arXiv 2405.04434, section 2.1.
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        head_dim=32,
        rotary_dim=16,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.head_dim = max(d for d in range(2, head_dim + 1, 2) if embed_dim % d == 0)
        self.heads = embed_dim // self.head_dim
        self.latent, self.rotary_dim = embed_dim // 2, rotary_dim
        queries = embed_dim + self.heads * rotary_dim
        self.sizes = [queries, self.latent, rotary_dim]
        self.read = nn.Linear(embed_dim, sum(self.sizes), bias=False, **self.factory_kwargs)
        self.gain = nn.Parameter(torch.ones(self.latent, **self.factory_kwargs))
        self.expand = nn.Linear(self.latent, 2 * embed_dim, bias=False, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        self.rotary = RotaryPositionalEmbeddings(
            embed_dim=embed_dim,
            block_loc=block_loc,
            kwarg_all=kwarg_all,
            **self.factory_kwargs,
            **kwarg_all,
        )

    def _forward(self, X, **Z):
        q, latent, shared = self.read(X).split(self.sizes, dim=-1)
        latent = functional.rms_norm(latent, (self.latent,), self.gain.to(latent.dtype), 1e-5)
        heads = self.expand(latent).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        k, v = heads.chunk(2, dim=-1)
        q = q.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        q, turning = q.split([self.head_dim, self.rotary_dim], dim=-1)
        _, Z = self.rotary(X, **{**Z, "q": turning, "k": shared[:, None]})
        q = torch.cat((q, Z["q"]), dim=-1)
        k = torch.cat((k, Z["k"].expand(-1, self.heads, -1, -1)), dim=-1)
        Y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(Y.transpose(1, 2).flatten(-2))


@gau_test
def test_mla_first_position_is_its_value(device=None, dtype=None) -> None:
    unit = MLA(embed_dim=64, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 7, 64, device=device, dtype=dtype)
    latent = unit.read(X[:, :1])[..., 96:128]
    heads = unit.expand(functional.rms_norm(latent, (32,), eps=1e-5)).unflatten(-1, (2, 64))
    value = heads[..., 32:].flatten(-2)
    assert torch.allclose(unit(X)[0][:, :1], unit.out(value), atol=2e-2)


@gau_test
def test_mla_keeps_little(device=None, dtype=None) -> None:
    unit = MLA(embed_dim=128, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    assert unit.latent + unit.rotary_dim < 128


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="RotaryPositionalEmbeddings",
        requirements="Give queries and keys their position; keep their shape (B, H, L, d).",
        inputs=["X", "q", "k"],
        outputs=["Y", "q", "k"],
    )
]
