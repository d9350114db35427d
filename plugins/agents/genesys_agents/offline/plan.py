"""Plans: which unit of which parent gives way to which gene."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from genesys.errors import GenesysError, TreeError
from genesys.gau.reference import reference_tree
from genesys.gau.tree import GAUTree
from genesys.gau.unit import UnitSource, parse_unit
from genesys_agents.offline.blocks.library import LIBRARY, validate
from genesys_agents.offline.emit import read_header, unit_name, write_unit
from genesys_agents.offline.genotype import Gene, unit_gene

Trees = Mapping[str, GAUTree]


class Plan(BaseModel):
    """A child in the making; travels as JSON in ``Proposal.plan``.

    Attributes:
        base: Name of the parent whose tree is kept around the target; empty from scratch.
        target: The unit of the base that gives way; empty from scratch.
        gene: What comes in its place.
        move: What was done, in a sentence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str = ""
    target: str = ""
    gene: Gene
    move: str

    @classmethod
    def read(cls, text: str) -> Plan:
        """Read what another call wrote.

        Raises:
            GenesysError: The text is no plan of this designer.
        """
        try:
            plan = cls.model_validate_json(text)
        except ValidationError as error:
            raise GenesysError(f"Not a plan of the offline designer: {error}") from None
        validate(plan.gene)
        return plan


def build(plan: Plan, trees: Trees) -> GAUTree:
    """The tree that a plan describes.

    Args:
        plan: Of a child.
        trees: The parents' trees by name.
    """
    return graft(plan, write(plan.gene, trees), trees)


def graft(plan: Plan, subtree: GAUTree, trees: Trees) -> GAUTree:
    """The tree of a plan whose gene is written already."""
    return trees[plan.base].replace(plan.target, subtree) if plan.base else subtree


def write(gene: Gene, trees: Trees) -> GAUTree:
    """Write all units of a gene; parents' and reference units in it are taken as they are."""
    if gene.opaque:
        return _taken(gene, trees)
    units: dict[str, UnitSource] = {}
    holes: dict[str, Gene] = {}
    args: dict[str, Any] = {}
    root = _write(gene, trees, units, holes, args)
    tree = GAUTree(root, units, args)
    for hole, taken in holes.items():
        tree = tree.replace(hole, _taken(taken, trees))
    return tree


def _taken(gene: Gene, trees: Trees) -> GAUTree:
    if gene.published:
        return reference_tree(str(gene.params["unit"]))
    return trees[str(gene.params["design"])].subtree(str(gene.params["unit"]))


def _write(
    gene: Gene,
    trees: Trees,
    units: dict[str, UnitSource],
    holes: dict[str, Gene],
    args: dict[str, Any],
) -> str:
    """Add the units of a gene to ``units``; returns the name of the topmost.

    A parent's unit whose names are taken by other code is left as a hole, for ``replace`` to fill.
    """
    if gene.opaque:
        subtree = _taken(gene, trees)
        if all(units.get(name, unit) == unit for name, unit in subtree.units.items()):
            units.update(subtree.units)
            args.update({key: args.get(key, value) for key, value in subtree.args.items()})
            return subtree.root
        name = f"Taken{gene.digest().upper()}"
        holes[name] = gene
        return name
    # Own units first: parents' units give way to them, not the other way round.
    inner = sorted(gene.slots, key=lambda slot: gene.slots[slot].opaque)
    names = {slot: _write(gene.slots[slot], trees, units, holes, args) for slot in inner}
    name = unit_name(gene)
    unit = parse_unit(write_unit(gene, names), name)
    if units.setdefault(name, unit) != unit:
        raise TreeError(f"Two units are called {name!r}.")
    return name


def read_gene(tree: GAUTree, unit: str, design: str) -> Gene:
    """The gene of a unit: from the note in its source, or opaque when it was written otherwise."""
    header = read_header(tree.units[unit].code)
    children = tree.children(unit)
    opaque = unit_gene(design, unit)
    if header is None:
        return opaque
    try:
        slots = {
            slot: read_gene(tree, children[index], design)
            for slot, index in header["slots"].items()
        }
        # The order of slots counts in what is written: take the library's.
        order = LIBRARY[header["block"]].slots
        gene = Gene(
            block=header["block"],
            params=header["params"],
            slots={slot: slots[slot] for slot in order},
        )
        validate(gene)
    except (KeyError, IndexError, TypeError, AttributeError, ValidationError, GenesysError):
        return opaque
    return gene
