"""Draws children until one is sound and new."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from genesys.errors import GenesysError, TreeError, UnitError
from genesys.gau.tree import GAUTree
from genesys.records import Operator
from genesys_agents.offline.cost import HEAVIEST, LIGHTEST, weigh
from genesys_agents.offline.genotype import Gene
from genesys_agents.offline.operators import crossover, mutation, scratch
from genesys_agents.offline.plan import Plan, graft, write
from genesys_agents.offline.roles import fits

MAX_GENE_DEPTH = 5


def draw_plan(
    rng: Random,
    operator: Operator,
    trees: Mapping[str, GAUTree],
    is_new: Callable[[Plan, GAUTree], bool],
    attempts: int,
    reference_units: bool = False,
) -> Plan:
    """Draw a plan whose design is whole, of bearable weight, and new.

    Args:
        rng: All randomness comes from it.
        operator: How the child is made.
        trees: The parents' trees by name.
        is_new: Whether the run has no such design yet.
        attempts: Most draws.
        reference_units: Whether mutations draw reference units too.

    Raises:
        GenesysError: None of the draws was sound and new.
    """
    for _ in range(attempts):
        plan = _draw(rng, operator, trees, reference_units)
        tree = sound(plan, trees)
        if tree is not None and is_new(plan, tree):
            return plan
    made_from = ", ".join(trees) or "the library"
    raise GenesysError(
        f"No sound and new design by {operator} from {made_from} in {attempts} draws; "
        "raise 'redraws' of the offline designer."
    )


def sound(plan: Plan, trees: Mapping[str, GAUTree]) -> GAUTree | None:
    """The tree of a plan; None when it could not work or would be far too light or heavy."""
    if not _bearable(plan.gene):
        return None
    try:
        subtree = write(plan.gene, trees)
        if plan.base and not fits(trees[plan.base], plan.target, subtree):
            return None
        tree = graft(plan, subtree, trees)
    except (UnitError, TreeError):
        # E.g. a caller that would declare the same child twice.
        return None
    return tree if LIGHTEST <= weigh(tree) <= HEAVIEST else None


def _draw(
    rng: Random, operator: Operator, trees: Mapping[str, GAUTree], reference_units: bool
) -> Plan:
    if operator is Operator.SCRATCH:
        return scratch.draw(rng)
    if operator is Operator.CROSSOVER:
        return crossover.draw(rng, trees)
    name, tree = next(iter(trees.items()))
    return mutation.draw(rng, name, tree, reference_units)


def _bearable(gene: Gene, halved: bool = False) -> bool:
    """No deep nests; nothing at a quarter of the width, no parent's unit at half of it."""
    if gene.opaque:
        return not halved
    splits = gene.params.get("blend") == "split"
    if splits and halved:
        return False
    deep = any(len(path) > MAX_GENE_DEPTH for path, _ in gene.walk())
    return not deep and all(_bearable(g, halved or splits) for g in gene.slots.values())
