"""Places designs on a plane: generations from left to right, each family in rows of its own."""

from __future__ import annotations

from collections import defaultdict

from genesys.population.population import Population

Point = tuple[float, float]


def positions(population: Population) -> dict[str, Point]:
    """(generation, row) of each design.

    A design stands below its first parent's family; parents are centred on their children, so
    families never overlap. Roots are seeds and designs from scratch.
    """
    generation: dict[str, int] = {}
    family: defaultdict[str, list[str]] = defaultdict(list)
    roots = []
    for design in population.designs:
        known = [name for name in design.parents if name in generation]
        generation[design.name] = 1 + max((generation[name] for name in known), default=-1)
        if known:
            family[known[0]].append(design.name)
        else:
            roots.append(design.name)
    rows: dict[str, float] = {}
    taken = 0
    # Children come after their parents, so that the reverse order meets all children first;
    # leaves are numbered beforehand by walking down from the roots.
    for name in _walk(roots, family):
        if not family[name]:
            rows[name] = float(taken)
            taken += 1
    for design in reversed(population.designs):
        if children := family[design.name]:
            rows[design.name] = (rows[children[0]] + rows[children[-1]]) / 2
    return {name: (float(generation[name]), row) for name, row in rows.items()}


def _walk(roots: list[str], family: defaultdict[str, list[str]]) -> list[str]:
    """Depth first, without recursion: lines of descent can be long."""
    order, stack = [], list(reversed(roots))
    while stack:
        name = stack.pop()
        order.append(name)
        stack += reversed(family[name])
    return order
