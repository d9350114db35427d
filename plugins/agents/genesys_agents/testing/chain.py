"""A coder whose designs are so many units in a row, all alike, for experiments on it alone."""

from __future__ import annotations

from genesys.testing.llm_server import ChatRequest
from genesys_agents.testing.asked import Asked

_STEP = "Step"
_UNIT = '''\
# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


class {name}(GAUBase):
    """Mixes each position with the one before it, and adds the result.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {{"device": device, "dtype": dtype}}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.norm = nn.LayerNorm(embed_dim, **self.factory_kwargs)
        self.mix = nn.Linear(2 * embed_dim, embed_dim, **self.factory_kwargs)
{child}
    def _forward(self, X, **Z):
        normed = self.norm(X)
        before = functional.pad(normed, (0, 0, 1, 0))[:, :-1]
        X = X + functional.silu(self.mix(torch.cat((normed, before), dim=-1)))
        return {result}


@gau_test
def test_{test}_keeps_the_shape(device=None, dtype=None) -> None:
    unit = {name}(embed_dim=16, block_loc=(0, 1), kwarg_all={{}}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 16, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = [{declared}]
'''
_CHILD = """\
        self.next = {name}(
            embed_dim=embed_dim,
            block_loc=block_loc,
            kwarg_all=kwarg_all,
            **self.factory_kwargs,
            **kwarg_all,
        )
"""
_DECLARED = """
    UnitDecl(
        unitname="{name}",
        requirements="Map a sequence causally.",
        inputs=["X"],
        outputs=["Y"],
    ),
"""


class Chain:
    """Writes the units ``Step1`` to ``StepN``, each the child of the one before.

    Args:
        units: How many.
    """

    def __init__(self, units: int) -> None:
        names = [f"{_STEP}{number}" for number in range(1, units + 1)]
        self.codes = {
            name: _code(name, child) for name, child in zip(names, [*names[1:], ""], strict=True)
        }

    def __call__(self, request: ChatRequest) -> str:
        """The unit that is asked for, or all of them."""
        asked = Asked.by(request)
        wanted = list(self.codes) if asked.whole else [asked.unit or f"{_STEP}1"]
        return "\n\n".join(f"```python\n{self.codes[name]}```" for name in wanted)


def _code(name: str, child: str) -> str:
    return _UNIT.format(
        name=name,
        test=name.lower(),
        child=_CHILD.format(name=child) if child else "",
        result="self.next(X, **Z)" if child else "X",
        declared=_DECLARED.format(name=child) if child else "",
    )
