"""Rules of the arguments of ``__init__`` and ``_forward`` (fig. 16)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from genesys.records import ErrorKind
from genesys_checkers.rules.finding import Edit, Finding, Place, short
from genesys_checkers.rules.source import (
    FACTORY,
    GIVEN,
    UnitFile,
    argument,
    arguments,
    defaulted,
    positional,
)

INIT = f"def __init__(self, {', '.join(GIVEN)}, device=None, dtype=None, **kwargs)"


def init(file: UnitFile) -> Iterator[Finding]:
    """``__init__`` takes what every unit is given, and everything else by name."""
    function = file.init
    if function is None:
        yield Finding(ErrorKind.ARGUMENTS, "The unit has no __init__.", INIT)
        return
    if [a.arg for a in positional(function)[:1]] != ["self"]:
        message = "The first argument of __init__ is not self."
        yield Finding(ErrorKind.ARGUMENTS, message, INIT, function)
        return
    if missing := [name for name in GIVEN if name not in arguments(function)]:
        message = f"__init__ cannot be given {', '.join(missing)} by name."
        yield Finding(ErrorKind.ARGUMENTS, message, INIT, function)
    if missing := [name for name in FACTORY if name not in arguments(function)]:
        message = f"__init__ does not take {' and '.join(missing)}."
        edit = add_factory(file, function)
        yield Finding(ErrorKind.ARGUMENTS, message, INIT, function, edit=edit)
    if function.args.kwarg is None:
        texts = ("**kwargs",) if _is_free(file, function, "kwargs") else ()
        yield Finding(
            ErrorKind.ARGUMENTS,
            "__init__ takes no **kwargs.",
            "End its arguments with **kwargs: arguments of all units are handed to each.",
            function,
            edit=Edit(Place.PARAMETERS, function, texts) if texts else None,
        )
    yield from _without_default(function)


def forward(file: UnitFile) -> Iterator[Finding]:
    """``_forward`` takes X, and entries of Z by name."""
    for name in ("forward", "__call__"):
        if (own := file.method(name)) is not None:
            message = f"The unit overrides {name}."
            hint = "Write _forward; forward keeps the contract."
            yield Finding(ErrorKind.TEMPLATE, message, hint, own)
    function = file.method("_forward")
    if function is None:
        message = "The unit has no _forward."
        yield Finding(ErrorKind.TEMPLATE, message, "def _forward(self, X, **Z)")
        return
    taken = [a.arg for a in positional(function)]
    if taken[:2] != ["self", "X"]:
        yield Finding(
            ErrorKind.ARGUMENTS,
            f"_forward takes ({short(function.args)}).",
            "_forward(self, X, **Z), or entries of Z by name and with defaults after X.",
            function,
        )
        return
    named = [*taken[2:], *(a.arg for a in function.args.kwonlyargs)]
    for name in [n for n in named if n not in defaulted(function)][:1]:
        yield Finding(
            ErrorKind.ARGUMENTS,
            f"The argument {name} of _forward has no default.",
            "Entries of Z may be missing: give them defaults.",
            argument(function, name),
        )


def add_factory(file: UnitFile, function: ast.FunctionDef) -> Edit | None:
    """What makes a function take ``device`` and ``dtype``; None if its meaning could change."""
    missing = [name for name in FACTORY if name not in arguments(function)]
    if _opens_kwargs(file, function) or not all(_is_free(file, function, n) for n in missing):
        return None
    return Edit(Place.PARAMETERS, function, tuple(f"{name}=None" for name in missing))


def _is_free(file: UnitFile, function: ast.FunctionDef, name: str) -> bool:
    """Whether a function may take an argument of that name, which so far means nothing in it."""
    taken = {n.arg for n in ast.walk(function.args) if isinstance(n, ast.arg)}
    read = any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(function))
    return name not in taken and not (read and name in file.outside)


def _opens_kwargs(file: UnitFile, function: ast.FunctionDef) -> bool:
    """Whether a function might look for device and dtype in its ``**kwargs``."""
    if function.args.kwarg is None:
        return False
    name = function.args.kwarg.arg
    uses = [n for n in ast.walk(function) if isinstance(n, ast.Name) and n.id == name]
    return not all(_is_harmless(file, use) for use in uses)


def _is_harmless(file: UnitFile, kwargs: ast.Name) -> bool:
    """Whether a use of ``kwargs`` takes another entry, or hands all of them to a unit."""
    around = list(file.around(kwargs))[:3]
    if isinstance(around[0], ast.Subscript):
        key: ast.AST | None = around[0].slice
    elif isinstance(around[0], ast.Attribute) and isinstance(around[1], ast.Call):
        is_look_up = around[0].attr in {"get", "pop"} and bool(around[1].args)
        key = around[1].args[0] if is_look_up else None
    elif isinstance(around[0], ast.keyword) and isinstance(around[1], ast.Call):
        return file.names.qualified(around[1].func) in file.units
    else:
        return False
    return isinstance(key, ast.Constant) and key.value not in FACTORY


def _without_default(function: ast.FunctionDef) -> Iterator[Finding]:
    named = [a.arg for a in (*positional(function)[1:], *function.args.kwonlyargs)]
    bare = [n for n in named if n not in {*GIVEN, *defaulted(function)}]
    for name in [n for n in bare if n not in FACTORY][:1]:
        yield Finding(
            ErrorKind.ARGUMENTS,
            f"The argument {name} of __init__ has no default.",
            "Give each argument besides embed_dim, block_loc and kwarg_all a default.",
            argument(function, name),
        )
    if factory := tuple(n for n in bare if n in FACTORY):
        yield Finding(
            ErrorKind.ARGUMENTS,
            f"{' and '.join(factory)} of __init__ have no default.",
            INIT,
            function,
            edit=Edit(Place.DEFAULTS, function, factory) if _can_default(function, bare) else None,
        )


def _can_default(function: ast.FunctionDef, bare: list[str]) -> bool:
    """Whether no argument without a default would come after ``device`` and ``dtype``."""
    order = [a.arg for a in positional(function)[1:]]
    bound = [n for n in order if n in bare or (n in GIVEN and n not in defaulted(function))]
    tail = [n for n in bound if n not in FACTORY]
    first = min((order.index(n) for n in order if n in FACTORY), default=len(order))
    return all(order.index(n) < first for n in tail)
