"""Admits what sessions made into the population, which may have grown since they began."""

from __future__ import annotations

from collections.abc import Container

from genesys.population.population import Population
from genesys.records import Design, Session, SessionEnd

MAX_NAME = 64


def admitted(
    session: Session, design: Design | None, population: Population
) -> tuple[Session, Design | None]:
    """The session and its design as they are committed to this population.

    A name that is taken gets a number. A design whose structure is there already is none: another
    session may have made it meanwhile.
    """
    if design is None:
        return session, None
    if design.structural_hash in population.hashes:
        refused = {
            "end": SessionEnd.NOT_NEW,
            "note": "the run has a design of this structure already",
            "design": "",
            "proposal": design.proposal,
        }
        return session.model_copy(update=refused), None
    name = unique_name(design.name, population.by_name)
    placed = {"name": name, "index": len(population.designs)}
    return session.model_copy(update={"design": name}), design.model_copy(update=placed)


def unique_name(name: str, taken: Container[str]) -> str:
    """The name, with a number behind it if it is taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        tail = f"-{number}"
        free = name[: MAX_NAME - len(tail)] + tail
    return free
