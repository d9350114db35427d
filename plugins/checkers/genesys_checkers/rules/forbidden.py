"""Rules of what a unit has no use for.

They keep honest authors within the template and are easily evaded. The sandbox is the boundary.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from genesys.records import ErrorKind
from genesys_checkers.rules.finding import Finding
from genesys_checkers.rules.source import UnitFile

IMPORTS = frozenset(
    {"abc", "collections", "contextlib", "copy", "dataclasses", "einops", "enum", "functools"}
    | {"genesys", "itertools", "math", "numbers", "operator", "torch", "typing"}
)
OF_GENESYS = frozenset({"GAUBase", "UnitDecl", "gau_test"})
# Of torch: what loads, saves, compiles, starts processes, or talks.
OF_TORCH = frozenset(
    f"torch.{name}"
    for name in (
        *(
            "_C",
            "_inductor",
            "classes",
            "compile",
            "distributed",
            "hub",
            "jit.load",
            "jit.save",
            "library",
        ),
        *("load", "monitor", "multiprocessing", "ops.load_library", "package", "profiler", "save"),
        *("from_file", "serialization", "utils.cpp_extension", "utils.data"),
        *("utils.model_zoo", "utils.tensorboard"),
    )
)
# What changes a setting for everybody; a test may.
SETTINGS = frozenset(
    f"torch.{name}"
    for name in (
        *("set_default_device", "set_default_dtype", "set_default_tensor_type"),
        *("set_num_interop_threads", "set_num_threads", "use_deterministic_algorithms"),
    )
)
# Modules that others happen to hold, as in ``torch.os``.
HELD = frozenset(
    {"builtins", "ctypes", "gc", "importlib", "inspect", "io", "os", "pathlib", "pickle"}
    | {"platform", "shutil", "socket", "subprocess", "sys", "tempfile", "threading", "traceback"}
)
BUILTINS = frozenset(
    {"__builtins__", "__import__", "__loader__", "breakpoint", "compile", "eval", "exec", "exit"}
    | {"globals", "input", "open", "quit"}
)
INSIDES = frozenset(
    {"__base__", "__bases__", "__builtins__", "__closure__", "__code__", "__globals__"}
    | {"__import__", "__loader__", "__mro__", "__reduce__", "__reduce_ex__", "__spec__"}
    | {"__subclasses__", "f_back", "f_globals", "f_locals", "gi_frame", "tb_frame"}
)
ALLOWED = f"Units may import {', '.join(sorted(IMPORTS - {'genesys'}))}, and genesys.gau."
TENSORS_ONLY = "Units compute tensors only."


def forbidden(file: UnitFile) -> Iterator[Finding]:
    """A unit imports what it computes with, and leaves everything else alone."""
    for node in file.nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from _import(node)
        elif isinstance(node, ast.Name):
            yield from _name(file, node)
        elif isinstance(node, ast.Attribute):
            yield from _attribute(file, node)
    for node in file.running:
        if isinstance(node, ast.Attribute):
            yield from _changes(file, node)


def _import(node: ast.Import | ast.ImportFrom) -> Iterator[Finding]:
    if isinstance(node, ast.Import):
        modules = [alias.name for alias in node.names]
    else:
        origin = "." * node.level + (node.module or "")
        modules = [f"{origin}.{alias.name}" for alias in node.names]
        if node.level or not _is_allowed(origin):
            modules = [origin]
    for module in modules:
        if not _is_allowed(module):
            yield _finding(f"The import of {module} is not allowed.", ALLOWED, node)


def _is_allowed(module: str) -> bool:
    first, *rest = module.split(".")
    if first == "genesys":
        return rest[:1] == ["gau"] and {*rest[1:]} <= OF_GENESYS
    return first in IMPORTS and not _is_of_torch(module) and not {*rest} & HELD


def _name(file: UnitFile, node: ast.Name) -> Iterator[Finding]:
    if node.id in BUILTINS and node.id not in file.names.bound:
        yield _finding(f"The use of {node.id} is not allowed.", TENSORS_ONLY, node)


def _attribute(file: UnitFile, node: ast.Attribute) -> Iterator[Finding]:
    name = file.names.imported(node)
    if node.attr in INSIDES:
        yield _finding(f"The use of {node.attr} is not allowed.", TENSORS_ONLY, node)
    elif name in OF_TORCH or (name and node.attr in HELD):
        yield _finding(f"The use of {name} is not allowed.", TENSORS_ONLY, node)


def _changes(file: UnitFile, node: ast.Attribute) -> Iterator[Finding]:
    name = file.names.imported(node)
    if name in SETTINGS or (name and not isinstance(node.ctx, ast.Load)):
        message = f"The unit changes {name}, for everybody."
        yield _finding(message, "Keep what the unit needs in the unit.", node)


def _is_of_torch(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in OF_TORCH)


def _finding(message: str, hint: str, node: ast.AST) -> Finding:
    return Finding(ErrorKind.FORBIDDEN, message, hint, node)
