"""Units as the coder is asked for them."""

from __future__ import annotations

from genesys.gau.tree import GAUTree
from genesys.records import Operator
from genesys_agents.offline.plan import Plan, build, write
from genesys_agents.testing.asked import Asked


def tree_of(plan: Plan, asked: Asked) -> GAUTree:
    """What is to be written: of a mutation what is new, else the whole design."""
    if asked.operator is Operator.MUTATION:
        return write(plan.gene, asked.parents)
    return build(plan, asked.parents)


def files(plan: Plan, asked: Asked) -> list[str]:
    """The files of an answer: the unit, and what has to come with it.

    Children that stand already, or that a parent has just so, are declared and not written.

    Args:
        plan: Of the proposal.
        asked: Of the coder.

    Raises:
        UnknownNameError: The plan has no such unit.
    """
    tree = tree_of(plan, asked)
    first = not asked.unit or (asked.unit == plan.target and asked.operator is Operator.MUTATION)
    pending, chosen = [tree.root if first else asked.unit], dict[str, str]()
    while pending:
        name = pending.pop()
        if name in chosen:
            continue
        chosen[name] = tree.subtree(name).units[name].code
        for child in tree.children(name):
            taken = _taken(child, asked)
            reused = child in asked.standing or (taken and _same(taken, tree))
            if not reused and (taken or asked.whole):
                pending.append(child)
    return list(chosen.values())


def _taken(name: str, asked: Asked) -> GAUTree | None:
    """What is reused where a child of this name is declared: of the first parent that has it."""
    holders = (tree for tree in asked.parents.values() if name in tree.units)
    return next((tree.subtree(name) for tree in holders), None)


def _same(part: GAUTree, tree: GAUTree) -> bool:
    return all(tree.units.get(name) == unit for name, unit in part.units.items())
