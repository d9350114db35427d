"""A design in the making: its tree so far, the next units to write, and what may be reused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from genesys.errors import TreeError, UnitError
from genesys.gau.tree import GAUTree, reachable
from genesys.gau.unit import MARKER, UnitSource, parse_unit
from genesys.records import Design
from genesys_agents.team.answers import Unread

STUB = '''\
# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class {name}(GAUBase):
    """Stands for a unit that is not written yet: passes X on, times 1.

    The factor can be learnt, since a block with nothing to learn is not valid.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {{"device": device, "dtype": dtype}}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.scale = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))

    def _forward(self, X, **Z):
        return X * self.scale.to(X.dtype)


@gau_test
def test_it_passes_on(device=None, dtype=None) -> None:
    unit = {name}(embed_dim=8, block_loc=(0, 1), kwarg_all={{}}, device=device, dtype=dtype)
    X = torch.randn(1, 3, 8, device=device, dtype=dtype)
    assert torch.equal(unit(X)[0], X)


CHILDREN_DECLARATIONS = []
'''


@dataclass(frozen=True)
class Draft:
    """A design in the making. Immutable, so that a failed attempt leaves the last good state.

    Attributes:
        tree: What stands; None while nothing does.
        target: The unit that a mutation replaces, until it is replaced.
        protected: Units that must stay as they are: those outside of what is replaced.
        stock: Units that may be reused, by name, each with all that it calls.
        written: Names of the units that were written or reused in this draft.
    """

    tree: GAUTree | None
    target: str = ""
    protected: frozenset[str] = frozenset()
    stock: Mapping[str, GAUTree] = field(default_factory=dict)
    written: tuple[str, ...] = ()

    @classmethod
    def mutation(cls, parent: GAUTree, target: str, stock: Mapping[str, GAUTree]) -> Draft:
        """To replace one unit of a parent, and what only it calls."""
        others = {name: unit for name, unit in parent.units.items() if name != target}
        kept = frozenset(reachable(parent.root, others)) if target != parent.root else frozenset()
        return cls(parent, target, kept, stock)

    @property
    def open_units(self) -> list[str]:
        """Units to write next; an empty name stands for a root that has no name yet."""
        if self.tree is None or self.target:
            return [self.target]
        missing = self.tree.placeholders()
        return [name for name in self.tree.order() if name in missing]

    @property
    def complete(self) -> bool:
        """Whether no unit is left to write."""
        return not self.open_units

    def put(self, unit: str, files: Sequence[UnitSource]) -> Draft | Unread:
        """The draft with a unit, and with units that it calls.

        A declared child that is not among the files is taken from the stock if a unit there has
        its name; else it is to be written next.

        Args:
            unit: One of ``open_units``.
            files: As the coder gave them.
        """
        new = {file.name: file for file in files}
        if problems := self._problems(unit, new):
            return Unread(tuple(problems))
        root = unit if unit in new else _root(new)
        units, args = self._with_stock(new)
        try:
            tree = self._joined(root, reachable(root, units), args)
        except (TreeError, UnitError) as error:
            return Unread((str(error),))
        if loose := sorted(new.keys() - reachable(root, units).keys()):
            return Unread((f"no unit calls {', '.join(loose)}: declare it as a child or drop it",))
        taken = tuple(name for name in tree.order() if name in units or name in new)
        return replace(self, tree=tree, target="", written=(*self.written, *taken))

    def design(self, name: str) -> Design:
        """The design as far as it goes, with stubs for what is not written."""
        assert self.tree is not None
        stubs = {n: parse_unit(STUB.format(name=n), n) for n in self.tree.placeholders()}
        whole = GAUTree(self.tree.root, {**self.tree.units, **stubs}, self.tree.args)
        return whole.as_design(name)

    def mended(self, design: Design) -> Draft:
        """The draft with the code of a repaired :meth:`design`, but for protected units."""
        assert self.tree is not None
        repaired = {
            unit.name: parse_unit(unit.code, unit.name)
            for unit in design.units
            if unit.name not in self.protected
        }
        units = {name: repaired.get(name, unit) for name, unit in self.tree.units.items()}
        return replace(self, tree=GAUTree(self.tree.root, units, self.tree.args))

    def _problems(self, unit: str, new: Mapping[str, UnitSource]) -> list[str]:
        standing = self.tree.units if self.tree else {}
        problems = [
            f"{name} is not yours to change: it stays as it is, leave it out"
            for name, file in new.items()
            if name in self.protected and standing[name].code != file.code
        ]
        if self.tree is None or self.target:
            if unit not in new and not _root(new):
                problems.append("it is not clear which class is the root: one calls all others")
        elif unit not in new:
            problems.append(f"there is no class {unit}, but {', '.join(new) or 'nothing'}")
        frozen = set(self.written) - {unit}
        problems += [
            f"{name} is written and accepted: it stays as it is, leave it out"
            for name, file in new.items()
            if name in frozen and name in standing and standing[name].code != file.code
        ]
        return problems

    def _with_stock(
        self, new: Mapping[str, UnitSource]
    ) -> tuple[dict[str, UnitSource], dict[str, Any]]:
        """The new units, with what they call of the tree and of the stock."""
        standing = self.tree.units if self.tree else {}
        units: dict[str, UnitSource] = dict(new)
        args: dict[str, Any] = {}
        for file in new.values():
            for child in (decl.unitname for decl in file.children):
                if child in units:
                    continue
                if child in standing and child != self.target:
                    units |= reachable(child, standing)
                elif child in self.stock:
                    taken = self.stock[child]
                    units = {**taken.units, **units}
                    args |= taken.args
        return units, args

    def _joined(
        self, root: str, units: Mapping[str, UnitSource], args: Mapping[str, Any]
    ) -> GAUTree:
        if self.tree is None:
            return GAUTree(root, units, args)
        if self.target:
            scion = GAUTree(root, units, args)
            return self.tree.replace(self.target, scion, self.protected)
        return GAUTree(self.tree.root, {**units, **self.tree.units}, {**args, **self.tree.args})


def read_units(files: Sequence[str]) -> list[UnitSource] | Unread:
    """The units of files that a coder gave; the first line of the template is added if missing."""
    units: list[UnitSource] = []
    problems: list[str] = []
    for number, code in enumerate(files, 1):
        whole = code if MARKER in code.split("\n", 1)[0] else f"{MARKER}\n{code}"
        try:
            units.append(parse_unit(whole, f"block {number}"))
        except UnitError as error:
            problems.append(str(error))
    names = [unit.name for unit in units]
    problems += [f"{n} is written twice" for n in sorted(set(names)) if names.count(n) > 1]
    return Unread(tuple(problems)) if problems else units


def _root(new: Mapping[str, UnitSource]) -> str:
    """The one unit that no other calls; empty if there is not one."""
    called = {decl.unitname for unit in new.values() for decl in unit.children}
    roots = [name for name in new if name not in called]
    return roots[0] if len(roots) == 1 else ""
