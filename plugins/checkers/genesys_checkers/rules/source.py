"""One unit file as the rules see it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from genesys.gau.unit import UnitSource, is_declarations, is_test
from genesys_checkers.rules.names import Names

GIVEN = ("embed_dim", "block_loc", "kwarg_all")
FACTORY = ("device", "dtype")
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True)
class Signature:
    """How a unit is made.

    Attributes:
        positional: Names of the arguments after ``self`` that can be given by position.
        required: Of the arguments that every unit is given, those it takes without a default.
    """

    positional: tuple[str, ...] = (*GIVEN, *FACTORY)
    required: frozenset[str] = frozenset(GIVEN)


class UnitFile:
    """A unit file and the units around it.

    Args:
        unit: The file, which :func:`genesys.gau.unit.parse_unit` has accepted.
        module: Its code, parsed.
        units: Of the design, written or not, this one among them: how each is made.
    """

    def __init__(
        self, unit: UnitSource, module: ast.Module, units: Mapping[str, Signature]
    ) -> None:
        self.unit, self.module, self.units = unit, module, units
        self.nodes = list(ast.walk(self.module))
        self.names = Names(self.nodes)
        self.cls = unit_class(module, unit.name)

    def method(self, name: str) -> ast.FunctionDef | None:
        """A method of the unit; the last one, if there are several of that name."""
        return method(self.cls, name)

    @cached_property
    def init(self) -> ast.FunctionDef | None:
        """The unit's ``__init__``."""
        return self.method("__init__")

    @cached_property
    def running(self) -> list[ast.AST]:
        """All nodes but those of tests and declarations: what runs when the unit does."""
        parts = [n for n in self.module.body if not is_test(n) and not is_declarations(n)]
        return [node for part in parts for node in ast.walk(part)]

    @cached_property
    def calls(self) -> dict[str, list[ast.Call]]:
        """The calls in the running code by the plain name that is called."""
        found: dict[str, list[ast.Call]] = {}
        for node in self.running:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                found.setdefault(node.func.id, []).append(node)
        return found

    @cached_property
    def mentions(self) -> dict[str, list[ast.Name]]:
        """The places in the running code where each name stands."""
        found: dict[str, list[ast.Name]] = {}
        for node in self.running:
            if isinstance(node, ast.Name):
                found.setdefault(node.id, []).append(node)
        return found

    @cached_property
    def bound_in_init(self) -> Counter[str]:
        """How often ``__init__`` binds each name, its own arguments among them."""
        return Names(ast.walk(self.init) if self.init else ()).bound

    @cached_property
    def outside(self) -> frozenset[str]:
        """Names that are bound at module level."""
        names = Names(
            node
            for part in self.module.body
            for node in ([part] if isinstance(part, Definition) else ast.walk(part))
        )
        return frozenset(names.bound)

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """The node around each node."""
        return {c: node for node in self.nodes for c in ast.iter_child_nodes(node)}

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around a node, from the inside."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def directly_in_init(self, node: ast.AST) -> bool:
        """Whether a node belongs to ``__init__`` and to no function in it."""
        functions = (n for n in self.around(node) if isinstance(n, Function))
        return self.init is not None and next(functions, None) is self.init

    @cached_property
    def factory_set(self) -> ast.AST | None:
        """The first place in ``__init__`` that sets ``self.factory_kwargs``."""
        return next(iter(self._factory(ast.Store)), None)

    @cached_property
    def factory_used(self) -> ast.AST | None:
        """The first place in ``__init__`` itself that uses ``self.factory_kwargs``."""
        return next(iter(self._factory(ast.Load)), None)

    def factory_known(self, node: ast.AST) -> bool:
        """Whether ``self.factory_kwargs`` is set when ``__init__`` comes to a node."""
        return self.factory_set is not None and position(self.factory_set) < position(node)

    def _factory(self, context: type[ast.expr_context]) -> list[ast.Attribute]:
        found = [
            n
            for n in (ast.walk(self.init) if self.init else ())
            if isinstance(n, ast.Attribute)
            and n.attr == "factory_kwargs"
            and isinstance(n.ctx, context)
            and isinstance(n.value, ast.Name)
            and n.value.id == "self"
            and self.directly_in_init(n)
        ]
        return sorted(found, key=position)


def position(node: ast.AST) -> tuple[int, int]:
    """Line and column where a node begins."""
    return node.lineno, node.col_offset  # type: ignore[attr-defined]


def positional(function: ast.FunctionDef) -> list[ast.arg]:
    """The arguments that can be given by position, ``self`` among them."""
    return [*function.args.posonlyargs, *function.args.args]


def defaulted(function: ast.FunctionDef) -> set[str]:
    """Names of the arguments that have a default."""
    count = len(function.args.defaults)
    named = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return {
        *(a.arg for a in positional(function)[len(positional(function)) - count :]),
        *(a.arg for a, default in named if default is not None),
    }


def argument(function: ast.FunctionDef, name: str) -> ast.arg:
    """The argument of that name."""
    return next(n for n in ast.walk(function.args) if isinstance(n, ast.arg) and n.arg == name)


def arguments(function: ast.FunctionDef) -> set[str]:
    """Names of all arguments that can be given by name."""
    return {a.arg for a in (*function.args.args, *function.args.kwonlyargs)}


def unit_class(module: ast.Module, name: str) -> ast.ClassDef:
    """The class of the unit of that name."""
    return next(n for n in module.body if isinstance(n, ast.ClassDef) and n.name == name)


def method(cls: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    """A method of a class; the last one, if there are several of that name."""
    found = [n for n in cls.body if isinstance(n, ast.FunctionDef) and n.name == name]
    return found[-1] if found else None


def signature(module: ast.Module, name: str) -> Signature:
    """How the unit of that name is made, read from its file."""
    init = method(unit_class(module, name), "__init__")
    if init is None:
        return Signature()
    taken = tuple(a.arg for a in positional(init)[1:])
    return Signature(taken, frozenset(arguments(init) & {*GIVEN} - defaulted(init)))
