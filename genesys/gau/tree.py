"""The GAU tree: the units of a design and which unit calls which (sec. 4.1)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from genesys.errors import TreeError, UnknownNameError
from genesys.gau.decl import UnitDecl
from genesys.gau.unit import UnitSource, parse_unit

if TYPE_CHECKING:
    from genesys.records import Design

MAX_UNITS = 256
# Every unit is given these by its caller; an argument of the design would collide with them.
TAKEN_ARGS = frozenset({"embed_dim", "block_loc", "kwarg_all", "device", "dtype"})


@dataclass(frozen=True)
class GAUTree:
    """Units that make up one block. Immutable; a unit may be called by several others.

    Crossover is :meth:`replace` with a :meth:`subtree` of another tree.

    Attributes:
        root: Name of the root unit.
        units: Written units by name; all are reachable from the root.
        args: Arguments of the block, in types of JSON.

    Raises:
        TreeError: The root is missing, units call each other in a circle, nobody calls a unit, a
            unit is filed under another name, or the arguments are no JSON object.
    """

    root: str
    units: Mapping[str, UnitSource]
    args: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.root not in self.units:
            raise TreeError(f"The root unit {self.root!r} has no code.")
        for name, unit in self.units.items():
            if name != unit.name:
                raise TreeError(f"Unit {unit.name!r} is filed under the name {name!r}.")
        if len(self.units) > MAX_UNITS:
            raise TreeError(f"A design has at most {MAX_UNITS} units, got {len(self.units)}.")
        self._check_args()
        self._reject_cycles()
        if loose := sorted(set(self.units) - set(self.order())):
            raise TreeError(
                f"No unit calls {', '.join(loose)}: declare each in its caller's "
                "CHILDREN_DECLARATIONS or remove it."
            )

    @classmethod
    def of(cls, design: Design) -> GAUTree:
        """The tree of a design.

        Raises:
            UnitError: A unit does not follow the template.
            TreeError: The tree is not whole.
        """
        units: dict[str, UnitSource] = {}
        for unit in design.units:
            parsed = parse_unit(unit.code, unit.name)
            if parsed.name in units:
                raise TreeError(f"Two units are called {parsed.name!r}; rename one.")
            if parsed.name != unit.name:
                raise TreeError(f"Unit {parsed.name!r} is filed under the name {unit.name!r}.")
            units[unit.name] = parsed
        try:
            args = {a.name: json.loads(a.json_value) for a in design.args}
        except ValueError as error:
            raise TreeError(f"An argument of {design.name!r} is no JSON: {error}") from None
        return cls(design.root, units, args)

    def as_design(self, name: str, **fields: Any) -> Design:
        """A design of this tree; ``fields`` are further fields of the record."""
        from genesys.gau.structure import structural_hash
        from genesys.records import Argument, Design, Unit

        written = [n for n in self.order() if n in self.units]
        return Design(
            name=name,
            root=self.root,
            units=[Unit(name=n, code=self.units[n].code) for n in written],
            args=[Argument(name=k, json_value=json.dumps(v)) for k, v in sorted(self.args.items())],
            structural_hash=structural_hash(self),
            **fields,
        )

    def declarations(self, name: str) -> tuple[UnitDecl, ...]:
        """What a unit declares of its children; nothing for a placeholder."""
        return self.units[name].children if name in self.units else ()

    def children(self, name: str) -> tuple[str, ...]:
        """Names of the units that a unit calls."""
        return tuple(decl.unitname for decl in self.declarations(name))

    def parents(self, name: str) -> tuple[str, ...]:
        """Names of the units that call a unit, from the root on."""
        return tuple(n for n in self.order() if name in self.children(n))

    def order(self) -> list[str]:
        """All units with the placeholders, callers before those they call, the root first."""
        finished: dict[str, None] = {}

        def visit(name: str) -> None:
            for child in reversed(self.children(name)):
                if child not in finished:
                    visit(child)
            finished.setdefault(name)

        visit(self.root)
        return list(reversed(finished))

    def placeholders(self) -> set[str]:
        """Units that are declared and not written yet."""
        return set(self.order()) - set(self.units)

    def subtree(self, name: str) -> GAUTree:
        """The tree below and with the unit ``name``; the arguments stay whole.

        Raises:
            UnknownNameError: There is no such unit.
        """
        if name not in self.units:
            raise UnknownNameError("unit", name, self.units)
        return GAUTree(name, reachable(name, self.units), self.args)

    def replace(
        self, target: str, subtree: GAUTree, protected: AbstractSet[str] = frozenset()
    ) -> GAUTree:
        """A tree in which ``target``, and what only it called, gives way to ``subtree``.

        Callers are rewritten to call the new root; nothing else in them changes. A new unit whose
        name is taken by different code gets a fresh name. Where both trees set an argument, this
        tree's value stays.

        Args:
            target: A written unit or a placeholder.
            subtree: What comes in its place.
            protected: Units that must be in the result with the code they have now, but for the
                name of a replaced child.

        Raises:
            UnknownNameError: ``target`` is not in the tree.
            TreeError: ``target`` is protected, or only ``target`` calls a protected unit.
        """
        from genesys.gau.graft import graft

        if target not in self.order():
            raise UnknownNameError("unit", target, self.order())
        if target in protected:
            raise TreeError(f"Unit {target!r} is protected and cannot be replaced.")
        tree = graft(self, target, subtree)
        if lost := sorted(protected - set(tree.units)):
            raise TreeError(f"Replacing {target!r} would drop {', '.join(lost)}, protected.")
        return tree

    def render(self) -> str:
        """The tree as indented text; a unit met again is marked, a placeholder too."""
        return "\n".join(self._render(self.root, "", "", set()))

    def _render(self, name: str, lead: str, indent: str, seen: set[str]) -> Iterator[str]:
        again = name in seen and bool(self.children(name))
        note = " (see above)" if again else "" if name in self.units else " (not written yet)"
        yield f"{lead}{name}{note}"
        seen.add(name)
        children = () if again else self.children(name)
        for position, child in enumerate(children, 1):
            last = position == len(children)
            fork, stem = ("└─ ", "   ") if last else ("├─ ", "│  ")
            yield from self._render(child, indent + fork, indent + stem, seen)

    def _check_args(self) -> None:
        for name in self.args:
            if name in TAKEN_ARGS or not str(name).isidentifier():
                raise TreeError(f"An argument of a block cannot be called {name!r}.")
        try:
            same = json.loads(json.dumps(dict(self.args), allow_nan=False)) == dict(self.args)
        except (TypeError, ValueError) as error:
            raise TreeError(f"The arguments of a block must be JSON: {error}") from None
        if not same:
            raise TreeError("The arguments of a block must be JSON: keys are strings.")

    def _reject_cycles(self) -> None:
        done: set[str] = set()

        def visit(name: str, path: tuple[str, ...]) -> None:
            if name in path:
                circle = " > ".join((*path[path.index(name) :], name))
                raise TreeError(f"Units call each other in a circle: {circle}.")
            if name not in done:
                for child in self.children(name):
                    visit(child, (*path, name))
                done.add(name)

        visit(self.root, ())


def reachable(root: str, units: Mapping[str, UnitSource]) -> dict[str, UnitSource]:
    """The units that ``root`` calls by way of these units, and ``root`` itself."""
    found: dict[str, UnitSource] = {}
    pending = [root]
    while pending:
        name = pending.pop()
        if name in units and name not in found:
            found[name] = units[name]
            pending += [decl.unitname for decl in units[name].children]
    return found
