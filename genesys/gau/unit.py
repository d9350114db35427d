"""A unit as source code: what the template says, read without running it (app. B.3, fig. 16)."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass
from functools import lru_cache

from genesys.errors import UnitError
from genesys.gau.decl import UnitDecl

MARKER = "# GAU_IMPLEMENTATION_FILE"
SECTION = "# === GENESYS "
BASE = "GAUBase"
DECLARATIONS = "CHILDREN_DECLARATIONS"
RESERVED = frozenset({BASE, "GABBase", "GAB", "GAM", "UnitDecl", "gau_test", "gab_config"})
MAX_CODE = 200_000
MAX_DEPTH = 200  # far below where Python's own recursion ends


@dataclass(frozen=True)
class UnitSource:
    """One unit file.

    Attributes:
        name: Of its unit class.
        code: The file as it was written.
        children: What it declares of the units it calls.
        tests: Names of its functions marked with ``gau_test``.
        docstring: Of the unit class; empty when it has none.
    """

    name: str
    code: str
    children: tuple[UnitDecl, ...] = ()
    tests: tuple[str, ...] = ()
    docstring: str = ""


@lru_cache(maxsize=4096)  # children have most of their units from their parents
def parse_unit(code: str, where: str = "unit") -> UnitSource:
    """Read a unit file written to the template.

    Args:
        code: The file's text. It is not run.
        where: What to call the file in errors until its class is known.

    Raises:
        UnitError: The file does not follow the template; gives the line.
    """
    if len(code) > MAX_CODE:
        raise UnitError(where, f"the file has {len(code)} characters; at most {MAX_CODE} are read")
    if code.split("\n", 1)[0].rstrip() != MARKER:
        raise UnitError(where, f"the first line must be {MARKER!r}", 1)
    module = parse_module(code, where)
    unit = _unit_class(module, where)
    _reject_uncomposable(module, code, unit.name)
    return UnitSource(
        name=unit.name,
        code=code,
        children=_children(module, unit.name),
        tests=tuple(f.name for f in module.body if isinstance(f, ast.FunctionDef) and is_test(f)),
        docstring=ast.get_docstring(unit) or "",
    )


def parse_module(code: str, where: str) -> ast.Module:
    """Parse Python that may be anything at all.

    Raises:
        UnitError: It is not Python, or nested deeper than what walks through it can follow.
    """
    try:
        module = read_module(code)
    except SyntaxError as error:
        raise UnitError(where, f"syntax error: {error.msg}", error.lineno) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise UnitError(where, f"cannot be parsed as Python: {error}") from None
    _reject_deep(module, where)
    return module


def read_module(code: str) -> ast.Module:
    """Parse Python that has been parsed before; warnings are not the reader's concern."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # e.g. of invalid escapes
        return ast.parse(code)


def is_test(node: ast.AST) -> bool:
    """Whether a node is a function that is decorated with ``gau_test``."""
    return isinstance(node, ast.FunctionDef) and any(
        _last_name(d.func if isinstance(d, ast.Call) else d) == "gau_test"
        for d in node.decorator_list
    )


def is_declarations(node: ast.AST) -> bool:
    """Whether a node assigns the declarations of the children."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return any(isinstance(t, ast.Name) and t.id == DECLARATIONS for t in targets)


def _reject_deep(module: ast.Module, where: str) -> None:
    level: list[ast.AST] = [module]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    line = next((node.lineno for node in level if hasattr(node, "lineno")), None)
    raise UnitError(where, f"code is nested more than {MAX_DEPTH} levels deep", line)


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _unit_class(module: ast.Module, where: str) -> ast.ClassDef:
    classes = [n for n in module.body if isinstance(n, ast.ClassDef)]
    units = [c for c in classes if any(_last_name(b) == BASE for b in c.bases)]
    if not units:
        found = ", ".join(c.name for c in classes) or "no class"
        raise UnitError(where, f"needs one class derived from {BASE}, found {found}")
    if len(units) > 1:
        names = ", ".join(c.name for c in units)
        raise UnitError(where, f"needs one unit, found {names}: one file each", units[1].lineno)
    unit = units[0]
    if unit.name in RESERVED or unit.name.startswith("_") or not unit.name.isascii():
        raise UnitError(where, f"{unit.name!r} cannot be the name of a unit", unit.lineno)
    return unit


def _reject_uncomposable(module: ast.Module, code: str, unit: str) -> None:
    """Units of a design share one module: reject what cannot stand in the middle of it."""
    for line, text in enumerate(code.split("\n"), 1):
        if text.startswith(SECTION):
            raise UnitError(unit, f"lines that start with {SECTION!r} are reserved", line)
    for node in module.body:
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.module == "__future__":
            raise UnitError(unit, "imports from __future__ are not possible in a unit", node.lineno)
        if any(alias.name == "*" for alias in node.names):
            raise UnitError(unit, "import names one by one, not with *", node.lineno)


def _children(module: ast.Module, unit: str) -> tuple[UnitDecl, ...]:
    nodes = [n for n in module.body if is_declarations(n)]
    if len(nodes) != 1:
        raise UnitError(unit, f"needs exactly one {DECLARATIONS} = [...], found {len(nodes)}")
    value = nodes[0].value  # type: ignore[attr-defined]
    if not isinstance(value, ast.List):
        raise UnitError(unit, f"{DECLARATIONS} must be a list of UnitDecl(...)", nodes[0].lineno)
    children = tuple(_declaration(item, unit) for item in value.elts)
    names = [child.unitname for child in children]
    for name in names:
        if names.count(name) > 1 or name == unit:
            raise UnitError(unit, f"declares {name} as a child twice or of itself", nodes[0].lineno)
    return children


def _declaration(node: ast.expr, unit: str) -> UnitDecl:
    expected = "children are declared as UnitDecl(unitname=..., requirements=..., ...), in literals"
    if not (isinstance(node, ast.Call) and _last_name(node.func) == "UnitDecl"):
        raise UnitError(unit, expected, node.lineno)
    try:
        args = [ast.literal_eval(arg) for arg in node.args]
        kwargs = {str(k.arg): ast.literal_eval(k.value) for k in node.keywords}
        decl = UnitDecl(*args, **kwargs)
    except (ValueError, TypeError) as error:
        raise UnitError(unit, f"{expected}: {error}", node.lineno) from None
    if not isinstance(decl.unitname, str) or not decl.unitname.isidentifier():
        raise UnitError(unit, f"{decl.unitname!r} cannot be the name of a unit", node.lineno)
    if decl.unitname in RESERVED:
        raise UnitError(unit, f"{decl.unitname!r} is a reserved name", node.lineno)
    return decl
