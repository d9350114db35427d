"""What a design took over from its parents."""

from __future__ import annotations

from genesys.population.population import Population
from genesys.records import Design


def origins(population: Population, design: Design) -> dict[str, str]:
    """For each unit the parent that has it letter by letter; empty when the unit is new."""
    parents = [d for d in population.designs if d.name in design.parents]
    taken = {(u.name, u.code): parent.name for parent in reversed(parents) for u in parent.units}
    return {unit.name: taken.get((unit.name, unit.code), "") for unit in design.units}


def offspring(population: Population, name: str) -> list[str]:
    """Names of the designs that have ``name`` as a parent."""
    return [d.name for d in population.designs if name in d.parents]


def outline(design: Design) -> str:
    """The GAU tree as indented text; a list of the units if the tree cannot be read."""
    from genesys.errors import GenesysError
    from genesys.gau.tree import GAUTree

    try:
        return GAUTree.of(design).render()
    except GenesysError:
        return "\n".join(unit.name for unit in design.units)
