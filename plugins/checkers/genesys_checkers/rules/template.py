"""Rules of the file as a whole: one unit, its name, base and docstring (fig. 16)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from genesys.errors import UnitError
from genesys.gau.unit import BASE, MARKER, UnitSource, is_declarations, parse_unit
from genesys.records import ErrorKind, Unit
from genesys_checkers.rules.finding import Finding
from genesys_checkers.rules.source import UnitFile

TEMPLATE_HINT = "A unit file follows the template: marker line, one unit, its tests, children."
DECLARATIONS_HINT = "CHILDREN_DECLARATIONS = [UnitDecl(unitname=..., requirements=...), ...]"
# What torch.nn has besides modules.
NO_MODULES = frozenset({"Parameter", "Buffer", "UninitializedParameter", "UninitializedBuffer"})


class Untidy(Exception):  # noqa: N818 - it carries a finding, it is no error of the program
    """A file holds no unit that further rules could read; ``args[0]`` is the finding."""


def read_unit(unit: Unit, module: ast.Module) -> UnitSource:
    """Read a unit's file.

    Raises:
        Untidy: It does not follow the template so far that it can be read.
    """
    classes = [n for n in module.body if isinstance(n, ast.ClassDef)]
    units = [c for c in classes if any(_last(base) == BASE for base in c.bases)]
    if unit.code.split("\n", 1)[0].rstrip() == MARKER:
        if not units:
            raise Untidy(_no_unit(classes))
        if len(units) > 1:
            names = ", ".join(c.name for c in units)
            raise Untidy(
                Finding(
                    ErrorKind.SEVERAL_UNITS,
                    f"The file has several units: {names}.",
                    "Give each unit a file of its own and declare it where it is called.",
                    units[1],
                )
            )
    try:
        source = parse_unit(unit.code, unit.name)
    except UnitError as error:
        raise Untidy(_unreadable(error, module)) from None
    if source.name != unit.name:
        raise Untidy(
            Finding(
                ErrorKind.WRONG_NAME,
                f"The file {unit.name}.py defines {source.name}.",
                f"Call the class {unit.name}, or the file {source.name}.py.",
                units[0],
            )
        )
    return source


def classes(file: UnitFile) -> Iterator[Finding]:
    """One base class, no modules of one's own, and a docstring."""
    if len(file.cls.bases) != 1 or file.cls.keywords:
        yield Finding(
            ErrorKind.WRONG_BASE,
            f"The unit has bases besides {BASE}.",
            f"Derive it from {BASE} only.",
        )
    known: set[str] = set()
    others = [n for n in file.nodes if isinstance(n, ast.ClassDef) and n is not file.cls]
    for cls in sorted(others, key=lambda n: n.lineno):
        if any(_is_module(file, base, known) for base in cls.bases):
            known.add(cls.name)
            yield _own_module(cls.name, cls)
    for node in file.nodes:
        if isinstance(node, ast.Call) and file.names.qualified(node.func) == "type":
            bases = node.args[1] if len(node.args) == 3 else None
            found = bases.elts if isinstance(bases, ast.Tuple) else []
            if any(_is_module(file, base, known) for base in found):
                yield _own_module("A class made with type()", node)
    if not file.unit.docstring.strip():
        yield Finding(
            ErrorKind.NO_DOCSTRING,
            "The unit has no docstring.",
            "Say what it does, its inputs and outputs.",
        )


def _own_module(name: str, node: ast.AST) -> Finding:
    return Finding(
        ErrorKind.OWN_MODULE,
        f"{name} is a module of its own.",
        "Make it a unit in a file of its own and declare it as a child.",
        node,
    )


def _is_module(file: UnitFile, base: ast.expr, known: set[str]) -> bool:
    name = file.names.qualified(base)
    if name.startswith("torch.nn."):
        return name.rpartition(".")[2] not in NO_MODULES
    last = name.rpartition(".")[2]
    return last in {BASE, "GABBase"} or last in known or last in file.units


def _no_unit(classes: list[ast.ClassDef]) -> Finding:
    hint = f"class <Unit>({BASE}): import {BASE} from genesys.gau."
    if not classes:
        return Finding(ErrorKind.NO_UNIT, "The file has no unit, nor any class.", hint)
    names = ", ".join(c.name for c in classes)
    message = f"The file has no class derived from {BASE}, but {names}."
    return Finding(ErrorKind.WRONG_BASE, message, hint, classes[-1])


def _unreadable(error: UnitError, module: ast.Module) -> Finding:
    """What :func:`parse_unit` says, told apart by the statement it speaks of."""
    found = [n for n in module.body if is_declarations(n)]
    line = error.line
    about = [n for n in found if line is not None and n.lineno <= line <= (n.end_lineno or 0)]
    at = ast.Pass(lineno=line, col_offset=0) if line is not None else ast.Pass()
    message = f"{error.message[:1].upper()}{error.message[1:]}."
    if about or (line is None and len(found) != 1):
        return Finding(ErrorKind.DECLARATIONS, message, DECLARATIONS_HINT, at)
    return Finding(ErrorKind.TEMPLATE, message, TEMPLATE_HINT, at)


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
