"""Units that a coder may reuse: the parents', and those of designs it was given to look at."""

from __future__ import annotations

import re
from collections.abc import Mapping

from genesys.gau.tree import GAUTree
from genesys.session import SessionContext
from genesys_agents.team.draft import Draft


def new_stock(context: SessionContext) -> dict[str, GAUTree]:
    """Each unit with all that it calls, by name; of two by one name the first parent's."""
    stock: dict[str, GAUTree] = {}
    for design in (*context.parents, *context.references):
        tree = GAUTree.of(design)
        for name in tree.order():
            stock.setdefault(name, tree.subtree(name))
    return stock


def recommended(stock: Mapping[str, GAUTree], about: str, most: int) -> list[str]:
    """Names of the units that have most words in common with what is to be written."""
    wanted = _words(about)

    def likeness(name: str) -> float:
        words = _words(f"{name} {stock[name].units[name].docstring}")
        return len(words & wanted) / max(1, len(words))

    ranked = sorted(stock, key=lambda name: (-likeness(name), name))
    return [name for name in ranked[:most] if likeness(name) > 0]


def stays_true(draft: Draft, context: SessionContext) -> str:
    """Why a finished crossover is none: it must hold units of two parents. Empty if it is one."""
    assert draft.tree is not None
    codes = {unit.code for unit in draft.tree.units.values()}
    used = [p.name for p in context.parents if codes & {unit.code for unit in p.units}]
    if len(used) >= min(2, len(context.parents)):
        return ""
    rest = ", ".join(p.name for p in context.parents if p.name not in used)
    return f"A crossover reuses units of its parents as they are; there is none of {rest}"


def _words(text: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]{2,}|[A-Z]{2,}", text)}
