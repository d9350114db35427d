"""Writes a GAU tree as one runnable module, ``gab.py`` (alg. 2).

Units keep their code to the letter; only module-level helpers that two units call by one name are
renamed, and the section's header says so, so that ``genesys.gau.parse`` gets every file back.
"""

from __future__ import annotations

import ast
import json
import re
import symtable
from collections.abc import Mapping
from functools import lru_cache

from genesys.errors import UnitError
from genesys.gau.rename import rename
from genesys.gau.tree import GAUTree
from genesys.gau.unit import DECLARATIONS, RESERVED, SECTION, UnitSource, read_module

HEADER = '''\
"""One block: the root unit {root} and all units below it, leaves first."""

from genesys.gau import GABBase, GAUBase
'''

PLACEHOLDER = '''\
class {name}(GAUBase):
    """Stands for a unit that is declared and not written yet: passes X and Z on."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {{"device": device, "dtype": dtype}}
        super().__init__(embed_dim, block_loc, kwarg_all)

    def _forward(self, X, **Z):
        return X, Z
'''

BLOCK = '''\
class GAB(GABBase):
    """The block."""

    def __init__(self, embed_dim, block_loc, device=None, dtype=None, **kwargs):
        super().__init__(embed_dim, block_loc)
        self.root = {root}(
            embed_dim=embed_dim,
            block_loc=block_loc,
            kwarg_all=kwargs,
            device=device,
            dtype=dtype,
            **kwargs,
        )

    def _forward(self, X, **Z):
        return self.root(X, **Z)


gab_config = {args!r}
'''

# Names that every unit file binds alike.
SHARED = frozenset({DECLARATIONS, "GAUBase", "UnitDecl", "gau_test"})


def compose(tree: GAUTree) -> str:
    """The code of ``gab.py``: class ``GAB``, its units and ``gab_config``.

    Declared units that are not written yet are filled with placeholders.

    Raises:
        UnitError: Two units bind a name differently and neither can be renamed.
    """
    order = list(reversed(tree.order()))
    bound: dict[str, str] = dict.fromkeys([*RESERVED, *order], "")
    sections = [HEADER]
    for name in order:
        if name in tree.units:
            unit = tree.units[name]
            names = _clashes(unit, bound)
            note = f" {json.dumps(names)}" if names else ""
            sections.append(f"{SECTION}unit {name}{note}\n{_rename(unit, names)}\n")
        else:
            sections.append(f"{SECTION}placeholder {name}\n{PLACEHOLDER.format(name=name)}")
    block = BLOCK.format(root=tree.root, args=dict(tree.args))
    return "\n".join([*sections, f"{SECTION}block {tree.root}\n{block}"])


def unrename(code: str, names: Mapping[str, str]) -> str:
    """Take the renaming of helpers back."""
    for old, new in names.items():
        code = re.sub(rf"\b{old}\s+as\s+{new}\b", old, code)
        code = re.sub(rf"\b{new}\b", old, code)
    return code


def _clashes(unit: UnitSource, bound: dict[str, str]) -> dict[str, str]:
    """New names for what the unit binds otherwise than the units before it; notes its bindings."""
    names = {}
    for name, binding in _bindings(unit.code, unit.name).items():
        if name == unit.name or name in SHARED:
            continue
        if name in bound and not (binding and bound[name] == binding):
            names[name] = f"{unit.name}__{name}"
        bound.setdefault(name, binding)
    return names


@lru_cache(maxsize=4096)  # children have most of their units from their parents
def _bindings(code: str, name: str) -> Mapping[str, str]:
    """What a unit binds at module level: for an import the statement, else nothing."""
    table = symtable.symtable(code, name, "exec")
    found = {
        s.get_name(): ""
        for s in table.get_symbols()
        if s.is_assigned() or s.is_namespace() or s.is_imported()
    }
    for node in read_module(code).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                bound = alias.asname or alias.name.split(".")[0]
                found[bound] = _statement(node, alias)
    return found


def _statement(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> str:
    if isinstance(node, ast.Import) and alias.asname is None:
        # ``import a.b`` and ``import a`` both bind a, to the same module.
        return f"import {alias.name.split('.')[0]}"
    return ast.dump(node.__class__(**{**vars(node), "names": [alias]}))


def _rename(unit: UnitSource, names: Mapping[str, str]) -> str:
    if not names:
        return unit.code
    code = rename(unit.code, names)
    if unrename(code, names) != unit.code:
        clash = ", ".join(names)
        raise UnitError(unit.name, f"another unit defines {clash} otherwise: rename it here")
    return code
