"""What the units of a tree do, and where another unit may take their place."""

from __future__ import annotations

import ast

from genesys.gau.tree import GAUTree
from genesys_agents.offline.blocks.library import LIBRARY
from genesys_agents.offline.emit import read_header
from genesys_agents.offline.genotype import Role

# Words in a unit's name or in what its callers require of it, the telling ones first.
WORDS = {
    Role.NORM: ("norm",),
    Role.CHANNEL: ("mlp", "ffn", "feedforward", "map each position"),
    Role.TOKEN: ("attention", "mix positions", "retention", "recurrence", "memory", "ssm", "mha"),
}


def roles(tree: GAUTree) -> dict[str, Role]:
    """The role of every unit that can be exchanged, the root first.

    Units that their callers hand more than X, or from which they take more than Y, are left out:
    nothing of the library could stand in for them.
    """
    found = {tree.root: Role.BLOCK}
    for name in tree.order():
        if name in tree.units and name not in found:
            role = _role(tree, name)
            if role is not None:
                found[name] = role
    return found


def _role(tree: GAUTree, name: str) -> Role | None:
    header = read_header(tree.units[name].code)
    if header is not None:
        return LIBRARY[header["block"]].role
    text = name.lower()
    for caller in tree.parents(name):
        for decl in tree.declarations(caller):
            if decl.unitname == name:
                if decl.inputs != ["X"] or decl.outputs != ["Y"]:
                    return None
                text += " " + decl.requirements.lower()
    return next((role for role, words in WORDS.items() if any(w in text for w in words)), None)


def fits(tree: GAUTree, target: str, subtree: GAUTree) -> bool:
    """Whether ``subtree`` has all attributes that callers of ``target`` reach for.

    The unit tests of a block may for example set ``block.mixer.out.weight``.
    """
    offered = _assigned(tree_class=subtree.units[subtree.root].code)
    return all(
        _reached(tree.units[caller].code, target) <= offered for caller in tree.parents(target)
    )


def _assigned(tree_class: str) -> set[str]:
    return {
        node.attr
        for node in ast.walk(ast.parse(tree_class))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }


def _reached(code: str, child: str) -> set[str]:
    """Attributes of attributes that hold a ``child``: ``out`` in ``block.mixer.out``."""
    module = ast.parse(code)
    holders = {
        target.attr
        for node in ast.walk(module)
        if isinstance(node, ast.Assign) and _calls(node.value, child)
        for target in node.targets
        if isinstance(target, ast.Attribute)
    }
    return {
        node.attr
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr in holders
    }


def _calls(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
