"""Rule: no indexing of the time axis inside a loop.

The backward pass of ``X[:, t]`` writes a whole gradient of X, so a loop over t costs L times L;
``X.unbind(1)`` collects the gradient once.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from genesys.records import ErrorKind, Severity
from genesys_checkers.rules.finding import Finding
from genesys_checkers.rules.lengths import Lengths
from genesys_checkers.rules.positions import derived, offset, taken
from genesys_checkers.rules.source import Definition, UnitFile, positional

Loop = ast.For | ast.While | ast.ListComp | ast.GeneratorExp | ast.DictComp | ast.SetComp
HINT = (
    "The backward pass of such a loop takes time quadratic in L. Process positions in parallel or "
    "in chunks; if a loop must be, iterate over X.unbind(1) and torch.stack what comes out."
)


def time_loops(file: UnitFile) -> Iterator[Finding]:
    """No position is taken by its index, one after the other."""
    found: dict[int, ast.expr] = {}
    for part in _used(file):
        nodes = list(ast.walk(part))
        lengths = Lengths(nodes, _parameters(file, part))
        for loop in (n for n in nodes if isinstance(n, Loop)):
            names = {*_variables(loop, lengths)}
            for node in taken(loop, derived(loop, names), lengths)[:1] if names else []:
                found.setdefault(node.lineno, node)
    for node in found.values():
        message = "Positions are taken one by one, by their index, in a loop."
        yield Finding(ErrorKind.SLOW_LOOP, message, HINT, node, Severity.WARNING)


def _used(file: UnitFile) -> list[ast.AST]:
    """The unit's methods but ``__init__``, and the functions that they reach."""
    functions = {n.name: n for n in file.module.body if isinstance(n, Definition)}
    found: list[ast.AST] = []
    seen = {file.unit.name}
    pending: list[ast.AST] = [n for n in file.cls.body if n is not file.init]
    while pending:
        part = pending.pop(0)
        found.append(part)
        for node in ast.walk(part):
            if isinstance(node, ast.Name) and node.id in functions and node.id not in seen:
                seen.add(node.id)
                pending.append(functions[node.id])
    return found


def _parameters(file: UnitFile, part: ast.AST) -> frozenset[str]:
    """Names of a helper's arguments that it is given parameters of the unit for."""
    if not isinstance(part, ast.FunctionDef):
        return frozenset()
    found = set()
    names = [a.arg for a in positional(part)]
    unit = Lengths(())
    for call in file.calls.get(part.name, ()):
        given = [*zip(names, call.args, strict=False), *((k.arg, k.value) for k in call.keywords)]
        found |= {name for name, value in given if name and unit.is_fixed(value)}
    return frozenset(found)


def _variables(loop: ast.AST, lengths: Lengths) -> Iterator[str]:
    """Names that run over all positions, one by one."""
    if isinstance(loop, ast.For):
        yield from _counters(loop.target, loop.iter, lengths)
    elif isinstance(loop, ast.While):
        compared = {
            name.id
            for node in ast.walk(loop)
            if isinstance(node, ast.Compare)
            and any(lengths.is_length(end) for end in (node.left, *node.comparators))
            for name in ast.walk(node)
            if isinstance(name, ast.Name)
        }
        for name in _stepped(loop):
            if name in compared or lengths.is_length(ast.Name(id=name)):
                yield name
    else:
        for generator in loop.generators:  # type: ignore[attr-defined]
            yield from _counters(generator.target, generator.iter, lengths)


def _counters(target: ast.expr, source: ast.expr, lengths: Lengths) -> Iterator[str]:
    match lengths.value(source):
        case ast.Call(func=ast.Name(id="range") | ast.Attribute(attr="arange"), args=args):
            if isinstance(target, ast.Name) and _counts_positions(args, lengths):
                yield target.id
        case ast.Call(func=ast.Name(id="reversed" | "list" | "tuple" | "tqdm"), args=[inner]):
            yield from _counters(target, inner, lengths)
        case ast.Call(func=ast.Name(id="enumerate"), args=[inner, *_]):
            if isinstance(target, ast.Tuple) and len(target.elts) == 2:
                count, item = target.elts
                yield from _counters(item, inner, lengths)
                if isinstance(count, ast.Name) and _walks_positions(inner, item, lengths):
                    yield count.id
        case ast.Call(func=ast.Name(id="zip"), args=inner) if isinstance(target, ast.Tuple):
            for part, each in zip(target.elts, inner, strict=False):
                yield from _counters(part, each, lengths)


def _counts_positions(args: list[ast.expr], lengths: Lengths) -> bool:
    """Whether the arguments of a range make it run over positions, in steps of one."""
    if len(args) == 3 and ast.unparse(args[2]) not in {"1", "-1"}:
        return False
    return any(lengths.is_length(end) for end in args[:2])


def _walks_positions(source: ast.expr, item: ast.expr, lengths: Lengths) -> bool:
    match lengths.value(source):
        case ast.Call(func=ast.Attribute(attr="unbind"), args=args, keywords=keywords):
            values = [*args, *(k.value for k in keywords)]
            return any(ast.unparse(v) in {"1", "-2"} for v in values)
        case ast.Call(func=ast.Name(id="zip"), args=args):
            return any(_walks_positions(a, item, lengths) for a in args)
    return lengths.is_time_major(source) or any(_counters(item, source, lengths))


def _stepped(loop: ast.While) -> set[str]:
    """Names that a while loop counts up or down by one."""
    found = set()
    for node in ast.walk(loop):
        match node:
            case ast.AugAssign(target=ast.Name(id=name), value=ast.Constant(value=1)):
                found.add(name)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                if offset(value, {name}) in {1, -1}:
                    found.add(name)
    return found
