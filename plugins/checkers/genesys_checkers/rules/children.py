"""Rules of the children: declared and made agree, and each is given what it needs."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from genesys.gau.unit import is_declarations
from genesys.records import ErrorKind, Severity
from genesys_checkers.rules.construction import means_argument
from genesys_checkers.rules.finding import Edit, Finding, Place
from genesys_checkers.rules.layers import CASTS, PASS_ON
from genesys_checkers.rules.source import FACTORY, GIVEN, Signature, UnitFile

# Which arguments the dicts of a file hold, by name; None where that cannot be read.
Known = dict[str, set[str] | None]
BUILTINS = frozenset(dir(builtins))


def declared_and_made(file: UnitFile) -> Iterator[Finding]:
    """Every child that is declared is made, and every unit that is made is declared."""
    declared = {child.unitname for child in file.unit.children}
    used: dict[str, ast.AST] = {}
    for value in _values(file):
        used.setdefault(value.id, value)
    declarations = _declarations(file)
    for name in sorted(declared - used.keys()):
        yield Finding(
            ErrorKind.UNUSED_CHILD,
            f"The child {name} is declared and not used.",
            f"Make a {name} in __init__ and call it in _forward, or do not declare it.",
            declarations.get(name),
        )
    others = file.units.keys() - declared - {file.unit.name} - file.names.bound.keys()
    unknown = {name: node for name, node in _made(file) if name not in declared | others}
    for name, node in sorted({**{n: used[n] for n in others & used.keys()}, **unknown}.items()):
        yield Finding(
            ErrorKind.UNDECLARED_CHILD,
            f"The unit {name} is used and not declared.",
            f"Add UnitDecl(unitname={name!r}, ...) to CHILDREN_DECLARATIONS.",
            node,
        )


def handed_on(file: UnitFile) -> Iterator[Finding]:
    """Every child is given what units are given, and ``factory_kwargs``."""
    known: Known = {}
    for child in file.unit.children:
        signature = file.units.get(child.unitname, Signature())
        for call in file.calls.get(child.unitname, ()):
            given = _given(file, call, signature, known)
            if given is None:
                continue
            yield from _arguments(file, call, signature.required - given)
            if not given & {*FACTORY}:
                yield from _factory(file, call)


def _arguments(file: UnitFile, call: ast.Call, required: frozenset[str]) -> Iterator[Finding]:
    name = ast.unparse(call.func)
    missing = [n for n in GIVEN if n in required]
    if missing:
        yield Finding(
            ErrorKind.ARGUMENTS,
            f"{name} is made without {', '.join(missing)}.",
            f"{name}({', '.join(f'{n}={n}' for n in GIVEN)}, {PASS_ON}, **kwarg_all)",
            call,
            edit=_give(file, call, missing),
        )


def _factory(file: UnitFile, call: ast.Call) -> Iterator[Finding]:
    parent = file.parents.get(call)
    if not (isinstance(parent, ast.Attribute) and parent.attr in CASTS):
        is_set = file.directly_in_init(call) and file.factory_known(call)
        yield Finding(
            ErrorKind.FACTORY_KWARGS,
            f"{ast.unparse(call.func)} is made without device and dtype.",
            f"Pass {PASS_ON}.",
            call,
            Severity.WARNING,
            Edit(Place.ARGUMENTS, call, (PASS_ON,)) if is_set else None,
        )


def _give(file: UnitFile, call: ast.Call, missing: list[str]) -> Edit | None:
    """Hand on what the unit itself was given, if it is clear that nothing else is meant."""
    shifted = any(isinstance(a, ast.Name) and a.id in missing for a in call.args)
    if shifted or not file.directly_in_init(call):
        return None
    if not all(means_argument(file, name) for name in missing):
        return None
    return Edit(Place.ARGUMENTS, call, tuple(f"{name}={name}" for name in missing))


def _given(file: UnitFile, call: ast.Call, signature: Signature, known: Known) -> set[str] | None:
    """Names that a call gives; None if that cannot be read from it."""
    if any(isinstance(a, ast.Starred) for a in call.args):
        return None
    given = set(signature.positional[: len(call.args)])
    for keyword in call.keywords:
        keys = {keyword.arg} if keyword.arg is not None else _keys(file, keyword.value, known)
        if keys is None:
            return None
        given |= keys
    return given


def _keys(file: UnitFile, mapping: ast.expr, known: Known) -> set[str] | None:
    """Which of the names that units are given a mapping holds; None if that cannot be read."""
    text = file.names.qualified(mapping)
    if text == "self.factory_kwargs":
        return set(FACTORY)
    if text in {"kwarg_all", "self.kwarg_all"} or (text == "kwargs" and _is_star(file)):
        return set()
    if isinstance(mapping, ast.Dict):
        found: set[str] = set()
        for key, value in zip(mapping.keys, mapping.values, strict=True):
            inner = _keys(file, value, known) if key is None else {getattr(key, "value", None)}
            if inner is None or None in inner:
                return None
            found |= inner  # type: ignore[arg-type]
        return found
    if isinstance(mapping, ast.Name):
        if text not in known:
            known[text] = None  # a circle cannot be read
            meant = _only_value(file, mapping.id)
            known[text] = _keys(file, meant, known) if isinstance(meant, ast.Dict) else None
        return known[text]
    return None


def _is_star(file: UnitFile) -> bool:
    """Whether ``kwargs`` is what is left after ``device`` and ``dtype`` were taken by name."""
    return file.names.bound["kwargs"] == 1 and file.init is not None and bool(file.init.args.kwarg)


def _only_value(file: UnitFile, name: str) -> ast.expr | None:
    """The value of a variable that is assigned once and only unpacked; else None."""
    if file.names.bound[name] != 1:
        return None
    value: ast.expr | None = None
    for node in file.mentions[name]:
        parent = file.parents[node]
        if isinstance(parent, ast.Assign) and node in parent.targets:
            value = parent.value
        elif not (isinstance(parent, ast.keyword) and parent.arg is None) and not (
            isinstance(parent, ast.Dict) and node in parent.values
        ):
            return None
    return value


def _values(file: UnitFile) -> list[ast.Name]:
    """Names that the running code reads as values: annotations make nothing."""
    notes = {id(n) for node in file.running for note in _annotations(node) for n in ast.walk(note)}
    names = [n for n in file.running if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    return sorted((n for n in names if id(n) not in notes), key=lambda n: n.lineno)


def _annotations(node: ast.AST) -> list[ast.expr]:
    found = [getattr(node, "annotation", None), getattr(node, "returns", None)]
    return [note for note in found if note is not None]


def _made(file: UnitFile) -> Iterator[tuple[str, ast.AST]]:
    """Calls, in the way that units are made, of names that nothing binds."""
    for node in file.running:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            name = node.func.id
            is_unit = {"block_loc", "kwarg_all"} & {k.arg for k in node.keywords}
            if is_unit and name not in file.names.bound and name not in BUILTINS | {file.unit.name}:
                yield name, node


def _declarations(file: UnitFile) -> dict[str, ast.AST]:
    """The declaration of each child."""
    found: dict[str, ast.AST] = {}
    for part in filter(is_declarations, file.module.body):
        for node in ast.walk(part):
            if isinstance(node, ast.Call):
                values = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "unitname")]
                found |= {str(v.value): node for v in values if isinstance(v, ast.Constant)}
    return found
