"""What changed from one design to another, for a person to read."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator

from genesys.gau.tree import GAUTree


def diff(old: GAUTree, new: GAUTree) -> str:
    """Both trees, changed arguments, and each changed unit as a unified diff.

    Empty when the trees are equal.
    """
    return "\n".join(
        [
            *_shape(old, new),
            *_args(old, new),
            *(line for u in _names(old, new) for line in _unit(u, old, new)),
        ]
    )


def _names(old: GAUTree, new: GAUTree) -> list[str]:
    """Units that differ: those of the new tree in its order, then those that went."""
    names = dict.fromkeys([*new.order(), *old.order()])
    return [n for n in names if old.units.get(n) != new.units.get(n)]


def _shape(old: GAUTree, new: GAUTree) -> Iterator[str]:
    before, after = old.render().split("\n"), new.render().split("\n")
    if before != after:
        yield "tree"
        for line in difflib.ndiff(before, after):
            if not line.startswith("?"):
                yield f"  {line}"
        yield ""


def _args(old: GAUTree, new: GAUTree) -> Iterator[str]:
    for name in sorted({*old.args, *new.args}):
        before, after = (
            json.dumps(tree.args[name]) if name in tree.args else "not set" for tree in (old, new)
        )
        if before != after:
            yield f"argument {name}: {before} -> {after}"


def _unit(name: str, old: GAUTree, new: GAUTree) -> Iterator[str]:
    before, after = (
        tree.units[name].code.split("\n") if name in tree.units else [] for tree in (old, new)
    )
    state = "new" if not before else "gone" if not after else "changed"
    yield f"unit {name}: {state}"
    if state != "gone":
        for line in difflib.unified_diff(before, after, lineterm="", n=2):
            if not line.startswith(("---", "+++")):
                yield f"  {line}"
    yield ""
