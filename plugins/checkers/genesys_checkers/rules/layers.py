"""Rule of ``factory_kwargs`` in layers of torch and in parameters made by hand."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from genesys.records import ErrorKind, Severity
from genesys_checkers.rules.finding import Edit, Finding, Place
from genesys_checkers.rules.source import FACTORY, UnitFile
from genesys_checkers.rules.types import Types

PASS_ON = "**self.factory_kwargs"
# Layers that hold parameters or buffers, and at which position each takes its device.
LAYERS = {
    "BatchNorm1d": 5,
    "BatchNorm2d": 5,
    "Bilinear": 4,
    "Conv1d": 9,
    "Conv2d": 9,
    "Conv3d": 9,
    "ConvTranspose1d": 10,
    "ConvTranspose2d": 10,
    "Embedding": 9,
    "EmbeddingBag": 10,
    "GRU": 8,
    "GRUCell": 3,
    "GroupNorm": 4,
    "InstanceNorm1d": 5,
    "LSTM": 8,
    "LSTMCell": 3,
    "LayerNorm": 4,
    "Linear": 3,
    "MultiheadAttention": 9,
    "PReLU": 2,
    "RMSNorm": 3,
    "RNN": 8,
    "RNNCell": 4,
    "TransformerDecoderLayer": 9,
    "TransformerEncoderLayer": 9,
}
# Functions that make a tensor of floats, whatever they are given.
TENSORS = frozenset({"empty", "eye", "linspace", "logspace", "ones", "rand", "randn", "zeros"})
# These take the type of what they are given.
FROM_VALUE = {"full": 1, "tensor": 0}
# What works in every type of floats; others, such as a decomposition, may not.
PLAIN = frozenset(
    {"abs", "add", "cat", "clamp", "clone", "contiguous", "constant_", "div", "exp", "expand"}
    | {"fill_", "flip", "kaiming_normal_", "kaiming_uniform_", "log", "mul", "mul_", "neg"}
    | {"normal_", "ones_", "pow", "repeat", "reshape", "sqrt", "square", "squeeze", "stack"}
    | {"sub", "t", "transpose", "uniform_", "unsqueeze", "view", "xavier_normal_"}
    | {"xavier_uniform_", "zero_", "zeros_", "arange", "log1p", "expm1", "sigmoid", "tanh"}
)
BUILTINS = frozenset({"float", "int", "len", "max", "min", "range", "round", "sum", "tuple"})
# Methods that say in which type or place something is meant to be.
CASTS = frozenset(
    {"bfloat16", "bool", "cpu", "cuda", "double", "float", "half", "int", "long", "short"}
    | {"to", "type", "type_as"}
)


def layers(file: UnitFile) -> Iterator[Finding]:
    """Layers and parameters are made where and in the type that the unit is asked for."""
    if file.init is not None and _casts_itself(file.init):
        return
    types = Types(file)
    for node in file.running:
        if isinstance(node, ast.Call) and not _is_cast(file, node):
            found = [*_made(file, node)]
            if found and not types.chosen_for(node):
                yield from found


def _made(file: UnitFile, call: ast.Call) -> Iterator[Finding]:
    name = file.names.qualified(call.func)
    if name in {"torch.nn.Parameter", "torch.nn.parameter.Parameter"}:
        yield from _parameter(file, call)
    elif name.startswith("torch.nn.") and _lacks_factory(call, name.rpartition(".")[2]):
        yield _finding(file, call, f"nn.{name.rpartition('.')[2]}")


def _parameter(file: UnitFile, call: ast.Call) -> Iterator[Finding]:
    """The tensors that a parameter begins as, if nothing in it says what type is meant."""
    inside = [n for value in call.args[:1] for n in ast.walk(value)]
    inside += [n for k in call.keywords if k.arg == "data" for n in ast.walk(k.value)]
    flags = [k.value for k in call.keywords if k.arg == "requires_grad"] + call.args[1:]
    learned = all(isinstance(f, ast.Constant) and f.value is True for f in flags)
    typed = any(
        (isinstance(n, ast.keyword) and n.arg in {None, *FACTORY})
        or (isinstance(n, ast.Attribute) and n.attr in CASTS)
        or isinstance(n, ast.Compare)
        or (isinstance(n, ast.Call) and not _is_plain(file, n))
        for n in inside
    )
    if not learned or typed:
        return
    for node in inside:
        if isinstance(node, ast.Call) and (name := _tensor(file, node)):
            yield _finding(file, node, f"torch.{name}")


def _is_plain(file: UnitFile, call: ast.Call) -> bool:
    """Whether a call works in any type of floats and keeps it."""
    name = file.names.qualified(call.func)
    last = call.func.attr if isinstance(call.func, ast.Attribute) else name.rpartition(".")[2]
    return last in PLAIN | TENSORS | FROM_VALUE.keys() | BUILTINS or name.startswith("math.")


def _tensor(file: UnitFile, call: ast.Call) -> str:
    """The name of the function of torch that makes a tensor of floats here; else empty."""
    name = file.names.qualified(call.func)
    if not name.startswith("torch.") or name.count(".") != 1:
        return ""
    name = name.removeprefix("torch.")
    if name in FROM_VALUE and len(call.args) > FROM_VALUE[name]:
        return name if _is_float(call.args[FROM_VALUE[name]]) else ""
    return name if name in TENSORS else ""


def _is_float(value: ast.expr) -> bool:
    if isinstance(value, ast.List | ast.Tuple):
        return bool(value.elts) and all(map(_is_float, value.elts))
    if isinstance(value, ast.UnaryOp):
        return _is_float(value.operand)
    return isinstance(value, ast.Constant) and type(value.value) is float


def _lacks_factory(call: ast.Call, layer: str) -> bool:
    if layer not in LAYERS or any(isinstance(a, ast.Starred) for a in call.args):
        return False
    given = {k.arg for k in call.keywords}
    return len(call.args) <= LAYERS[layer] and not given & {None, *FACTORY}


def _finding(file: UnitFile, call: ast.Call, name: str) -> Finding:
    can_repair = file.directly_in_init(call) and file.factory_known(call)
    return Finding(
        ErrorKind.FACTORY_KWARGS,
        f"{name} is made without device and dtype.",
        f"Pass {PASS_ON}.",
        call,
        Severity.WARNING,
        Edit(Place.ARGUMENTS, call, (PASS_ON,)) if can_repair else None,
    )


def _is_cast(file: UnitFile, call: ast.Call) -> bool:
    """Whether the call stands in something that is cast as a whole: ``nn.Linear(4, 4).to(...)``."""
    for node in file.around(call):
        if not isinstance(node, ast.expr | ast.keyword | ast.comprehension):
            return False
        if isinstance(node, ast.Attribute) and node.attr in CASTS:
            return True
    return False


def _casts_itself(init: ast.FunctionDef) -> bool:
    """Whether the unit is cast as a whole: ``self.to(...)``."""
    return any(
        isinstance(n, ast.Attribute)
        and n.attr in CASTS
        and isinstance(n.value, ast.Name)
        and n.value.id == "self"
        for n in ast.walk(init)
    )
