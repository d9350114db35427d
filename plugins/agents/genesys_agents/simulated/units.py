"""The units of simulated designs: small, valid, and of no use."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from random import Random
from string import Template

# What each kind does to X (B, L, D), with a gain per channel. Selectors tell kinds by such words.
KINDS = {
    "Attention": "functional.scaled_dot_product_attention(X, X, X, is_causal=True) * self.gain",
    "Convolution": "functional.conv1d(functional.pad(X.mT, (2, 0)), "
    "self.gain[:, None, None].expand(-1, 1, 3) / 3, groups=D).mT",
    "Experts": "torch.sigmoid(X) * X * self.gain * (X >= X.topk(1 + D // 2).values[..., -1:])",
    "Gate": "X * torch.sigmoid(self.gain * X)",
    "Norm": "functional.rms_norm(X, (D,)) * self.gain",
    "Recurrence": "X.cumsum(1) / torch.arange(1, 1 + X.shape[1]).to(X)[:, None] * self.gain",
}
TRAITS = 10_000  # of each kind

_LEAF = Template('''\
# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


class ${name}(GAUBase):
    """A stand-in for a unit, with trait ${trait}.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.gain = nn.Parameter(torch.full((embed_dim,), ${gain}, **self.factory_kwargs))

    def _forward(self, X, **Z):
        D = X.shape[-1]
        return ${forward}, Z


@gau_test
def test_${lower}_keeps_the_shape(device=None, dtype=None) -> None:
    X = torch.randn(2, 5, 16, device=device, dtype=dtype)
    assert ${name}(16, (0, 1), {}, device, dtype)(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
''')

_ROOT = Template('''\
# GAU_IMPLEMENTATION_FILE
import torch

from genesys.gau import GAUBase, UnitDecl, gau_test


class ${name}(GAUBase):
    """A stand-in for a block: its units one after the other, each with a residual.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        common |= {**self.factory_kwargs, **kwarg_all}
${made}

    def _forward(self, X, **Z):
        for unit in (${called}):
            update, Z = unit(X, **Z)
            X = X + update
        return X, Z


@gau_test
def test_${lower}_keeps_the_shape(device=None, dtype=None) -> None:
    X = torch.randn(2, 5, 64, device=device, dtype=dtype)
    assert ${name}(64, (0, 1), {}, device, dtype)(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = [
${declared}
]
''')


def draw(rng: Random) -> str:
    """The name of a unit drawn at random; it says all about it."""
    return f"{rng.choice(list(KINDS))}{rng.randrange(TRAITS):04}"


@lru_cache(maxsize=4096)
def leaf(name: str) -> str:
    """The code of the unit of such a name; ``KeyError`` if there is none."""
    kind, trait = name[:-4], name[-4:]
    return _LEAF.substitute(
        name=name, trait=trait, gain=f"1.{trait}", forward=KINDS[kind], lower=name.lower()
    )


def root(name: str, children: Sequence[str]) -> str:
    """The code of a unit of this name that applies others one after the other."""
    made = [f"        self.unit{i} = {child}(**common)" for i, child in enumerate(children)]
    declared = [f'    UnitDecl("{child}"),' for child in children]
    return _ROOT.substitute(
        name=name,
        made="\n".join(made),
        called=", ".join(f"self.unit{i}" for i in range(len(children))) + ",",
        declared="\n".join(declared),
        lower=name.lower(),
    )
