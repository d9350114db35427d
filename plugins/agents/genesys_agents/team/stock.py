"""Units that a coder may reuse: of parents and references, found in the run, and published ones."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from math import fsum, log, sqrt

from genesys.gau.reference import ReferenceUnit, reference_tree, reference_units
from genesys.gau.tree import GAUTree
from genesys.session import SessionContext
from genesys_agents.team.draft import Draft


def new_stock(context: SessionContext, about: str, most: int) -> dict[str, GAUTree]:
    """Each unit with all that it calls, by name; of two by one name the first parent's.

    Args:
        context: Its parents' and references' units are taken, the units of other designs that its
            searches found, and the reference units of works that they found.
        about: What is proposed.
        most: Reference units that are taken besides, for being most like it.
    """
    stock: dict[str, GAUTree] = {}
    for design in (*context.parents, *context.references):
        tree = GAUTree.of(design)
        for name in tree.order():
            stock.setdefault(name, tree.subtree(name))
    for name, tree in _found(context):
        stock.setdefault(name, tree)
    published = {name: reference_tree(name) for name in reference_units()}
    found = [name for name, unit in reference_units().items() if _ids(unit) & context.seen.keys()]
    for name in (*found, *recommended(published, about, most)):
        stock.setdefault(name, published[name])
    return stock


def _found(context: SessionContext) -> Iterator[tuple[str, GAUTree]]:
    """Units of the run's designs that searches found."""
    for name in context.seen:
        source, _, key = name.partition(":")
        design, _, unit = key.partition("/")
        if source == "units" and design in context.designs:
            tree = GAUTree.of(context.designs[design])
            if unit in tree.units:
                yield unit, tree.subtree(unit)


def _ids(unit: ReferenceUnit) -> set[str]:
    """Ids of the findings that tell of a unit's works."""
    papers = re.findall(r"\b\d{4}\.\d{4,5}\b", unit.source)
    return {f"library:{key}" for key in unit.works} | {f"arxiv:{paper}" for paper in papers}


def recommended(stock: Mapping[str, GAUTree], about: str, most: int) -> list[str]:
    """Names of the units that have most words in common with what is to be written, rare ones."""
    wanted = _words(about)
    words = {name: _words(f"{name} {stock[name].units[name].docstring}") for name in stock}
    counts = Counter(word for known in words.values() for word in known)

    def weight(shared: Iterable[str]) -> float:
        return fsum(log(1 + len(stock) / counts[word]) for word in shared)

    def likeness(name: str) -> float:
        return weight(words[name] & wanted) / sqrt(1 + weight(words[name]))

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
