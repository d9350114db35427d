"""How simulated children come about: which parts they have of whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genesys.errors import GenesysError
from genesys.gau.tree import GAUTree
from genesys.gau.unit import parse_unit
from genesys.records import Design, Operator, Unit
from genesys_agents.simulated.units import KINDS, TRAITS, draw, leaf, root

ROOT = "Stack"
SCRATCH = 5  # parts of a design from scratch: with the root about as many units as are published
MOST = 8  # parts


class Part(BaseModel):
    """A unit that a child's root calls, with all below it.

    Attributes:
        unit: Its name.
        parent: Name of the design that it is taken from; empty for a new one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: str
    parent: str = ""


class Plan(BaseModel):
    """A child in the making; travels as JSON in ``Proposal.plan``.

    Attributes:
        parts: In the order in which the root calls them.
        target: The part of the parent that gave way; empty if none did.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    parts: Annotated[list[Part], Field(min_length=1)]
    target: str = ""

    @classmethod
    def read(cls, text: str) -> Plan:
        """Read what another call wrote.

        Raises:
            GenesysError: The text is no plan of this agent.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise GenesysError(f"Not a plan of the simulated agent: {error}") from None


def draw_plan(rng: Random, operator: Operator, parents: Sequence[Design]) -> Plan:
    """Which parts a child has.

    A mutation has a new unit in the place of one of its parent's parts, or one more. A crossover
    takes each part from any of its parents.
    """
    if operator is Operator.SCRATCH or not parents:
        return Plan(parts=_distinct([Part(unit=draw(rng)) for _ in range(SCRATCH)]))
    pools = [_parts(parent) for parent in parents]
    if len(pools) == 1:
        return _mutated(rng, pools[0])
    length = len(rng.choice(pools))
    own = [rng.choice([pool for pool in pools if i < len(pool)])[i] for i in range(length)]
    return Plan(parts=_distinct(own))


def written(plan: Plan, parents: Mapping[str, Design]) -> dict[str, str]:
    """Code of the child's units by name, the root first.

    A part of whose units one is taken by other code is left out.

    Raises:
        GenesysError: The plan has a part that there is not.
    """
    units: dict[str, str] = {}
    children = []
    for part in plan.parts:
        own = _code(part, parents)
        if all(units.get(name, code) == code for name, code in own.items()):
            units |= own
            children.append(part.unit)
    name = ROOT
    while name in units:  # a parent's root may have been a part of another design
        name += "s"
    return {name: root(name, children), **units}


def as_design(name: str, units: Mapping[str, str], parents: Sequence[Design]) -> Design:
    """The draft of a child, with the arguments of its parents."""
    args = {arg.name: arg for parent in reversed(parents) for arg in parent.args}
    return Design(
        name=name,
        root=next(iter(units)),
        units=[Unit(name=unit, code=code) for unit, code in units.items()],
        args=list(args.values()),
    )


def _mutated(rng: Random, parts: list[Part]) -> Plan:
    place = rng.randrange(min(len(parts) + 1, MOST))
    target = parts[place].unit if place < len(parts) else ""
    mutated = [*parts[:place], Part(unit=draw(rng)), *parts[place + 1 :]]
    return Plan(parts=_distinct(mutated), target=target)


def _parts(design: Design) -> list[Part]:
    """What the root of a design calls; a block of a single unit is one part."""
    by_name = {unit.name: unit.code for unit in design.units}
    called = [d.unitname for d in parse_unit(by_name[design.root], design.root).children]
    return [Part(unit=name, parent=design.name) for name in called or [design.root]]


def _code(part: Part, parents: Mapping[str, Design]) -> dict[str, str]:
    if not part.parent:
        kind, trait = part.unit[:-4], part.unit[-4:]
        if kind not in KINDS or not (trait.isdecimal() and int(trait) < TRAITS):
            raise GenesysError(f"The simulated agent has no unit {part.unit!r}.")
        return {part.unit: leaf(part.unit)}
    if part.parent not in parents:
        raise GenesysError(f"{part.parent!r} is none of the parents of the plan.")
    subtree = GAUTree.of(parents[part.parent]).subtree(part.unit)
    return {name: unit.code for name, unit in subtree.units.items()}


def _distinct(parts: Sequence[Part]) -> list[Part]:
    return list({part.unit: part for part in parts}.values())
