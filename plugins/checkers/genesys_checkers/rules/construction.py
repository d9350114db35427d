"""Rules of what ``__init__`` does first: ``factory_kwargs``, and the call of the base's."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from genesys.gau.unit import BASE
from genesys.records import ErrorKind
from genesys_checkers.rules.finding import Edit, Finding, Place
from genesys_checkers.rules.signatures import add_factory
from genesys_checkers.rules.source import FACTORY, GIVEN, UnitFile, arguments, position

SET = 'self.factory_kwargs = {"device": device, "dtype": dtype}'
CALL = f"super().__init__({', '.join(GIVEN)})"


def factory_kwargs(file: UnitFile) -> Iterator[Finding]:
    """``self.factory_kwargs`` holds the device and dtype given, before it is used."""
    if file.init is None:
        return
    if file.factory_set is None:
        yield Finding(
            ErrorKind.FACTORY_KWARGS,
            "__init__ does not set self.factory_kwargs.",
            f"First {SET}.",
            file.init,
            edit=Edit(Place.BODY, file.init, (SET,)) if _takes_factory(file) else None,
        )
        return
    used = file.factory_used
    if used is not None and position(used) < position(file.factory_set):
        yield Finding(
            ErrorKind.FACTORY_KWARGS,
            "self.factory_kwargs is used before it is set.",
            f"First {SET}.",
            used,
        )
    assigned = file.parents[file.factory_set]
    if isinstance(assigned, ast.Assign | ast.AnnAssign) and assigned.value is not None:
        yield from _value(file, assigned.value)


def base_call(file: UnitFile) -> Iterator[Finding]:
    """``super().__init__`` is called with the arguments of the base."""
    if file.init is None:
        return
    calls = [n for n in ast.walk(file.init) if isinstance(n, ast.Call) and _is_base_call(n)]
    if not calls:
        message = "__init__ does not call super().__init__."
        hint = f"Call {CALL} before adding layers."
        yield Finding(ErrorKind.ARGUMENTS, message, hint, file.init)
    for call in calls[:1]:
        yield from _base_arguments(file, call)


def _takes_factory(file: UnitFile) -> bool:
    """Whether ``__init__`` takes device and dtype, as it is or as it can be repaired."""
    assert file.init is not None
    missing = any(name not in arguments(file.init) for name in FACTORY)
    return not missing or add_factory(file, file.init) is not None


def _value(file: UnitFile, value: ast.expr) -> Iterator[Finding]:
    """A dict that can be read must hold both entries, and not constants."""
    entries: dict[object, ast.expr] = {}
    if isinstance(value, ast.Dict) and all(isinstance(k, ast.Constant) for k in value.keys):
        keys = [k.value for k in value.keys if isinstance(k, ast.Constant)]
        entries = dict(zip(keys, value.values, strict=True))
    elif isinstance(value, ast.Call) and file.names.qualified(value.func) == "dict":
        if value.args or any(k.arg is None for k in value.keywords):
            return
        entries = {k.arg: k.value for k in value.keywords}
    else:
        return
    for name in FACTORY:
        entry = entries.get(name)
        fixed = isinstance(entry, ast.Constant) or (
            entry is not None and file.names.qualified(entry).startswith("torch.")
        )
        if entry is None or fixed:
            yield Finding(
                ErrorKind.FACTORY_KWARGS,
                f"self.factory_kwargs does not hold the {name} that __init__ is given.",
                f"{SET}.",
                entry or value,
            )


def _is_base_call(call: ast.Call) -> bool:
    function = call.func
    if not (isinstance(function, ast.Attribute) and function.attr == "__init__"):
        return False
    owner = function.value
    if isinstance(owner, ast.Call):
        return isinstance(owner.func, ast.Name) and owner.func.id == "super"
    return isinstance(owner, ast.Name) and owner.id == BASE


def _base_arguments(file: UnitFile, call: ast.Call) -> Iterator[Finding]:
    assert isinstance(call.func, ast.Attribute)
    if any(isinstance(a, ast.Starred) for a in call.args) or any(
        k.arg is None for k in call.keywords
    ):
        return
    taken = GIVEN if isinstance(call.func.value, ast.Call) else ("self", *GIVEN)
    named = {k.arg for k in call.keywords}
    if len(call.args) > len(taken) or (more := sorted(str(n) for n in named - {*taken})):
        what = f"; {', '.join(more)} is too much" if len(call.args) <= len(taken) else ""
        message = f"super().__init__ takes {', '.join(GIVEN)} only{what}."
        yield Finding(ErrorKind.ARGUMENTS, message, f"{CALL}.", call)
        return
    missing = [n for n in taken[len(call.args) :] if n not in named]
    if missing:
        yield Finding(
            ErrorKind.ARGUMENTS,
            f"super().__init__ is called without {', '.join(missing)}.",
            f"{CALL}.",
            call,
            edit=_complete(file, call, missing),
        )


def _complete(file: UnitFile, call: ast.Call, missing: list[str]) -> Edit | None:
    """Give the missing arguments, if the names still mean what ``__init__`` was given."""
    assert file.init is not None
    in_order = [a.id if isinstance(a, ast.Name) else "" for a in call.args]
    misplaced = any(name in missing for name in in_order)
    if misplaced or not all(means_argument(file, name) for name in missing):
        return None
    by_name = bool(call.keywords)
    return Edit(Place.ARGUMENTS, call, tuple(f"{n}={n}" if by_name else n for n in missing))


def means_argument(file: UnitFile, name: str) -> bool:
    """Whether a name in ``__init__`` is its argument of that name and nothing else."""
    assert file.init is not None
    return name in arguments(file.init) and file.bound_in_init[name] == 1
