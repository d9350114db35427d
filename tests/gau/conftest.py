"""Small units and trees."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from genesys.gau.tree import GAUTree
from genesys.gau.unit import parse_unit
from genesys.resources import resource

SEEDS = sorted(folder.name for folder in resource("seeds").iterdir() if folder.is_dir())


def unit_code(name: str, children: tuple[str, ...] = (), helper: str = "", body: str = "X") -> str:
    """A unit that adds up its children and may define and use a helper function."""
    made = "".join(f"\n        self.c{i} = {child}(**common)" for i, child in enumerate(children))
    used = "".join(f" + self.c{i}(X, **Z)[0]" for i in range(len(children)))
    declared = "".join(f"\n    UnitDecl(unitname={child!r})," for child in children)
    defined = f"def {helper}(x):\n    return x * {len(name)}\n\n\n" if helper else ""
    value = f"{helper}({body})" if helper else body
    return f'''# GAU_IMPLEMENTATION_FILE
import torch

from genesys.gau import GAUBase, UnitDecl, gau_test


{defined}class {name}(GAUBase):
    """Unit {name}."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {{"device": device, "dtype": dtype}}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = dict(embed_dim=embed_dim, block_loc=block_loc, kwarg_all=kwarg_all){made}

    def _forward(self, X, **Z):
        return {value}{used}


@gau_test
def test_unit(device=None, dtype=None):
    {name}(8, (0, 1), {{}})


CHILDREN_DECLARATIONS = [{declared}
]
'''


def make_tree(spec: dict[str, tuple[str, ...]], helpers: dict[str, str] | None = None) -> GAUTree:
    """A tree from children by unit; the first is the root, children without an entry unwritten."""
    helpers = helpers or {}
    units = {n: parse_unit(unit_code(n, c, helpers.get(n, ""))) for n, c in spec.items()}
    return GAUTree(next(iter(spec)), units)


@st.composite
def trees(draw: st.DrawFn, prefix: str = "") -> GAUTree:
    """Trees of up to six units that share children, clash in helpers and lack some units."""
    size = draw(st.integers(1, 6))
    names = [f"{prefix}{letter}" for letter in "RSTUVW"[:size]]
    spec: dict[str, tuple[str, ...]] = {names[0]: ()}
    for position, name in enumerate(names[1:], 1):
        caller = names[draw(st.integers(0, position - 1))]
        spec[caller] = (*spec[caller], name)
        spec[name] = ()
    if size > 2 and draw(st.booleans()) and names[-1] not in spec[names[0]]:
        spec[names[0]] = (*spec[names[0]], names[-1])
    leaves = [n for n in names[1:] if not spec[n]]
    missing = set(draw(st.lists(st.sampled_from(leaves), unique=True))) if leaves else set()
    helpers = {n: draw(st.sampled_from(["", "scale", "torch_scale", names[0]])) for n in names}
    helpers = {n: h for n, h in helpers.items() if h != n}
    return make_tree({n: c for n, c in spec.items() if n not in missing}, helpers)


@pytest.fixture(scope="session")
def seed_trees() -> dict[str, GAUTree]:
    """The shipped seeds."""
    from genesys.gau.folder import load_tree

    return {name: load_tree(resource("seeds") / name) for name in SEEDS}
