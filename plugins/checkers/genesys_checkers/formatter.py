"""Check ``formatter``: rules of the unit template that show in the source (app. B.1.2, fig. 16).

The rules help an author; they are no security boundary. The sandbox is.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from genesys.gau.unit import BASE, UnitSource, is_test, parse_module
from genesys.records import Issue, Severity
from genesys_checkers.loops import time_loops

CHECK = "formatter"
INIT_ARGUMENTS = ("self", "embed_dim", "block_loc", "kwarg_all", "device", "dtype")
IMPORTS = frozenset(
    {"collections", "dataclasses", "einops", "enum", "functools", "genesys", "itertools", "math"}
    | {"operator", "torch", "typing"}
)
# What a function from tensors to tensors has no use for.
CALLS = frozenset({"breakpoint", "compile", "eval", "exec", "exit", "input", "open", "quit"})
LAYERS = frozenset(
    {"Linear", "Bilinear", "Embedding", "Conv1d", "LayerNorm", "RMSNorm", "GroupNorm"}
    | {"BatchNorm1d", "GRU", "LSTM", "RNN", "MultiheadAttention"}
)


@dataclass(frozen=True)
class _File:
    """A parsed unit file."""

    unit: UnitSource
    module: ast.Module
    cls: ast.ClassDef
    names: frozenset[str]

    def method(self, name: str) -> ast.FunctionDef | None:
        found = (n for n in self.cls.body if isinstance(n, ast.FunctionDef) and n.name == name)
        return next(found, None)

    def issue(
        self,
        message: str,
        hint: str,
        node: ast.stmt | ast.expr | None = None,
        severity: Severity = Severity.ERROR,
    ) -> Issue:
        return Issue(
            check=CHECK,
            severity=severity,
            unit=self.unit.name,
            line=(node or self.cls).lineno,
            message=message,
            hint=hint,
        )


def check_format(unit: UnitSource, names: frozenset[str]) -> list[Issue]:
    """Check one unit file.

    Args:
        unit: The file, which :func:`genesys.gau.unit.parse_unit` has accepted.
        names: Of all units of the design, written or not.
    """
    module = parse_module(unit.code, unit.name)
    cls = next(n for n in module.body if isinstance(n, ast.ClassDef) and n.name == unit.name)
    file = _File(unit, module, cls, names)
    return [issue for rule in RULES for issue in rule(file)]


def _classes(file: _File) -> Iterator[Issue]:
    if len(file.cls.bases) != 1:
        yield file.issue("The unit has several base classes.", f"Derive it from {BASE} only.")
    for node in ast.walk(file.module):
        if isinstance(node, ast.ClassDef) and node is not file.cls:
            bases = " ".join(ast.unparse(base) for base in node.bases)
            if "Module" in bases or BASE in bases or set(bases.split()) & file.names:
                yield file.issue(
                    f"{node.name} is a module of its own.",
                    "Make it a unit in a file of its own and declare it as a child.",
                    node,
                )
    if not file.unit.docstring:
        yield file.issue("The unit has no docstring.", "Say what it does, its inputs and outputs.")


def _init(file: _File) -> Iterator[Issue]:
    init = file.method("__init__")
    if init is None:
        yield file.issue(
            "The unit has no __init__.",
            f"def __init__({', '.join(INIT_ARGUMENTS[:4])}, device=None, dtype=None, **kwargs)",
        )
        return
    positional = [a.arg for a in (*init.args.posonlyargs, *init.args.args)]
    required = len(positional) - len(init.args.defaults)
    missing = set(INIT_ARGUMENTS) - {*positional, *(a.arg for a in init.args.kwonlyargs)}
    if missing:
        yield file.issue(
            f"__init__ lacks the argument{'s' if len(missing) > 1 else ''} "
            f"{', '.join(sorted(missing))}.",
            f"Every unit takes {', '.join(INIT_ARGUMENTS[1:])}.",
            init,
        )
    if init.args.kwarg is None:
        yield file.issue(
            "__init__ takes no **kwargs.",
            "End its arguments with **kwargs: arguments of all units are handed to each.",
            init,
        )
    given = set(INIT_ARGUMENTS[:4])
    bare = [
        *(a for a in positional[:required] if a not in given),
        *(
            a.arg
            for a, default in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)
            if default is None and a.arg not in given
        ),
    ]
    if bare:
        yield file.issue(
            f"The argument {bare[0]} of __init__ has no default.",
            "Give each argument besides embed_dim, block_loc and kwarg_all a default.",
            init,
        )
    yield from _init_body(file, init)


def _init_body(file: _File, init: ast.FunctionDef) -> Iterator[Issue]:
    body = ast.unparse(init)
    if "self.factory_kwargs =" not in body and "self.factory_kwargs:" not in body:
        yield file.issue(
            "__init__ does not set self.factory_kwargs.",
            'First self.factory_kwargs = {"device": device, "dtype": dtype}.',
            init,
        )
    if "super().__init__(" not in body:
        yield file.issue(
            "__init__ does not call super().__init__.",
            "Call super().__init__(embed_dim, block_loc, kwarg_all) before adding layers.",
            init,
        )
    for call in _calls(init):
        if _name(call) in LAYERS and not _has_factory(call):
            yield file.issue(
                f"{_name(call)} is made without device and dtype.",
                "Pass **self.factory_kwargs.",
                call,
                Severity.WARNING,
            )


def _has_factory(call: ast.Call) -> bool:
    given = {k.arg for k in call.keywords}
    return None in given or {"device", "dtype"} <= given


def _forward(file: _File) -> Iterator[Issue]:
    if (own := file.method("forward")) is not None:
        yield file.issue(
            "The unit overrides forward.", "Write _forward; forward keeps the contract.", own
        )
    forward = file.method("_forward")
    if forward is None:
        yield file.issue("The unit has no _forward.", "def _forward(self, X, **Z)")
        return
    arguments = [a.arg for a in forward.args.args]
    if arguments[:2] != ["self", "X"]:
        yield file.issue(
            f"_forward takes ({ast.unparse(forward.args)}).",
            "_forward(self, X, **Z), or entries of Z by name and with defaults after X.",
            forward,
        )
    elif len(arguments) - len(forward.args.defaults) > 2:
        yield file.issue(
            f"The argument {arguments[2]} of _forward has no default.",
            "Entries of Z may be missing: give them defaults.",
            forward,
        )


def _tests(file: _File) -> Iterator[Issue]:
    if not file.unit.tests:
        yield file.issue(
            "The unit has no test.", "Write at least one function decorated with @gau_test."
        )
    for node in file.module.body:
        if isinstance(node, ast.FunctionDef) and is_test(node):
            arguments = {a.arg for a in (*node.args.args, *node.args.kwonlyargs)}
            if not {"device", "dtype"} <= arguments:
                yield file.issue(
                    f"The test {node.name} does not take device and dtype.",
                    f"def {node.name}(device=None, dtype=None) -> None",
                    node,
                )


def _children(file: _File) -> Iterator[Issue]:
    declared = {child.unitname for child in file.unit.children}
    used = {n.id: n for n in ast.walk(file.cls) if isinstance(n, ast.Name)}
    for name in sorted(declared - used.keys()):
        yield file.issue(
            f"The child {name} is declared and not used.",
            f"Make a {name} in __init__ and call it in _forward, or do not declare it.",
        )
    for name in sorted((file.names - declared - {file.unit.name}) & used.keys()):
        yield file.issue(
            f"The unit {name} is used and not declared.",
            f"Add UnitDecl(unitname={name!r}, ...) to CHILDREN_DECLARATIONS.",
            used[name],
        )
    for call in _calls(file.cls):
        inner = {n.id for n in ast.walk(call) if isinstance(n, ast.Name)} & file.names
        if _name(call) == "Sequential" and inner:
            yield file.issue(
                f"{sorted(inner)[0]} stands in an nn.Sequential, which does not hand Z on.",
                "Call units one after the other: X, Z = self.unit(X, **Z).",
                call,
            )


def _imports(file: _File) -> Iterator[Issue]:
    allowed = f"Units may import {', '.join(sorted(IMPORTS))}."
    for node in ast.walk(file.module):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or "."]
        else:
            continue
        for module in modules:
            ours = module.startswith("genesys") and module != "genesys.gau"
            if module.split(".")[0] not in IMPORTS or ours:
                yield file.issue(f"The import of {module} is not allowed.", allowed, node)
    for call in _calls(file.module):
        if isinstance(call.func, ast.Name) and call.func.id in CALLS:
            yield file.issue(
                f"The call of {call.func.id} is not allowed.", "Units compute tensors only.", call
            )


def _loops(file: _File) -> Iterator[Issue]:
    for node in time_loops(file.module):
        yield file.issue(
            "Positions are taken one by one in a loop, which is slow.",
            "Process them in parallel or in chunks; if a loop must be, iterate X.unbind(1).",
            node,
            Severity.WARNING,
        )


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    return (n for n in ast.walk(node) if isinstance(n, ast.Call))


def _name(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


RULES = (_classes, _init, _forward, _tests, _children, _imports, _loops)
