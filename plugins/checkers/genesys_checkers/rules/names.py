"""What the names in a file stand for, through imports and plain aliases."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable


class Names:
    """The bindings of a file, all scopes taken together.

    Args:
        nodes: All nodes of the file.

    Attributes:
        bound: Every name that the file binds anywhere.
    """

    def __init__(self, nodes: Iterable[ast.AST]) -> None:
        self._meaning: dict[str, str] = {}
        self.bound: Counter[str] = Counter()
        aliases: list[tuple[str, ast.expr]] = []
        for node in nodes:
            self._bind(node)
            match node:
                case ast.Assign(
                    targets=[ast.Name(id=name)], value=ast.Name() | ast.Attribute() as value
                ):
                    aliases.append((name, value))
        for alias, meant in aliases:
            if self.bound[alias] == 1 and (meaning := self.qualified(meant)):
                self._meaning[alias] = meaning

    def qualified(self, node: ast.AST) -> str:
        """The dotted name of an expression, e.g. ``torch.nn.Linear`` for ``nn.Linear``.

        Empty for what is no dotted name; a name of another kind stands for itself.
        """
        if isinstance(node, ast.Attribute):
            owner = self.qualified(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        return self._meaning.get(node.id, node.id) if isinstance(node, ast.Name) else ""

    def imported(self, node: ast.AST) -> str:
        """The dotted name of an expression that begins at an import; else empty."""
        first = node
        while isinstance(first, ast.Attribute):
            first = first.value
        known = isinstance(first, ast.Name) and first.id in self._meaning
        return self.qualified(node) if known else ""

    def _bind(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                self._import(alias.asname or first, alias.name if alias.asname else first)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                self._import(alias.asname or alias.name, f"{node.module or ''}.{alias.name}")
        elif name := _bound(node):
            self.bound[name] += 1

    def _import(self, name: str, meaning: str) -> None:
        self.bound[name] += 1
        if self._meaning.setdefault(name, meaning) != meaning:
            self._meaning[name] = name


def _bound(node: ast.AST) -> str:
    """The name that a node other than an import binds; else empty."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
            return name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            return name
        case ast.MatchStar(name=str(name)):
            return name
    return ""
