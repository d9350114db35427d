"""A unit's code in the form of the original system, and in ours."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from genesys.errors import UnitError
from genesys.gau.decl import UnitDecl
from genesys.gau.imports import imports_moved, without
from genesys.gau.unit import (
    DECLARATIONS,
    MARKER,
    MAX_CODE,
    UnitSource,
    is_test,
    parse_module,
    parse_unit,
)
from genesys.population.original.forms import TreeForm

OURS = "genesys.gau"
THEIRS = "model_discovery.model.utils.modules"
THEIR_PACKAGE = "model_discovery"


def from_original(name: str, tree: TreeForm) -> UnitSource:
    """A unit of a tree as a unit of ours. Its code is read and not run.

    Imports of the template come from here, tests are put below the code, and the declarations say
    what ``children`` says, which in the original's mutated designs their code does not.

    Raises:
        UnitError: The code is no unit, or imports what has no counterpart here.
    """
    unit = tree.units[name]
    size = len(unit.code) + sum(len(text) for text in unit.gautests.values())
    if size > MAX_CODE:
        raise UnitError(name, f"code and tests have {size} characters; at most {MAX_CODE} are read")
    parse_module(unit.code, name)
    code = imports_moved(unit.code, THEIRS, OURS, name)
    _reject_others(code, name)
    declared = _declared(code, name)
    if declared is None or set(declared) != set(unit.children):
        code = without(code, [DECLARATIONS], name)
        code = _below(code, _declarations(unit.children, declared or {}, tree))
    defined = {n.name for n in parse_module(code, name).body if isinstance(n, ast.FunctionDef)}
    for test, text in unit.gautests.items():
        if test not in defined and not defined & _functions(text, name):
            code = _below(code, text)
    return parse_unit(_marked(_importing(code, name)), name)


def to_original(unit: UnitSource) -> tuple[str, dict[str, str]]:
    """The code of a unit without its tests, and the tests by name."""
    lines = unit.code.split("\n")
    tests = {
        node.name: "\n".join(lines[_first_line(node) - 1 : node.end_lineno]) + "\n"
        for node in parse_module(unit.code, unit.name).body
        if isinstance(node, ast.FunctionDef) and is_test(node)
    }
    code = imports_moved(without(unit.code, tests, unit.name), OURS, THEIRS, unit.name)
    return code.removeprefix(MARKER).lstrip("\n"), tests


def _first_line(node: ast.FunctionDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _functions(code: str, where: str) -> set[str]:
    return {n.name for n in parse_module(code, where).body if isinstance(n, ast.FunctionDef)}


def _reject_others(code: str, name: str) -> None:
    """Of the original system only the template has a counterpart."""
    for node in ast.walk(parse_module(code, name)):
        if isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            continue
        for module in modules:
            if module.split(".")[0] == THEIR_PACKAGE:
                message = f"imports {module}, which has no counterpart here"
                raise UnitError(name, message, node.lineno)


def _declared(code: str, name: str) -> dict[str, UnitDecl] | None:
    """What the code declares of the children; None where that is not to be read."""
    try:
        return {decl.unitname: decl for decl in parse_unit(_marked(code), name).children}
    except UnitError:
        return None


def _declarations(children: Sequence[str], known: dict[str, UnitDecl], tree: TreeForm) -> str:
    if not children:
        return f"{DECLARATIONS} = []\n"
    lines = []
    for child in dict.fromkeys(children):
        told = tree.declaration(child)
        new = UnitDecl(child, told.requirements, told.inputs, told.outputs)
        decl = known.get(child, new)
        lines.append(
            f"    UnitDecl(unitname={decl.unitname!r}, requirements={decl.requirements!r}, "
            f"inputs={decl.inputs!r}, outputs={decl.outputs!r}),\n"
        )
    return f"{DECLARATIONS} = [\n{''.join(lines)}]\n"


def _importing(code: str, name: str) -> str:
    """The code with an import of what was added needs."""
    module = parse_module(code, name)
    bound = {
        alias.asname or alias.name
        for node in module.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    used = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
    missing = sorted(({"UnitDecl", "gau_test"} & used) - bound)
    return f"from {OURS} import {', '.join(missing)}\n{code}" if missing else code


def _marked(code: str) -> str:
    return code if code.startswith(MARKER) else f"{MARKER}\n{code}"


def _below(code: str, text: str) -> str:
    return f"{code.rstrip()}\n\n\n{text.strip()}\n"
