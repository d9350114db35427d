"""What parents have to offer, and new blocks built from it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from genesys.gau.tree import GAUTree
from genesys_agents.offline.blocks.library import block_of
from genesys_agents.offline.cost import HEAVIEST, LIGHTEST, cost
from genesys_agents.offline.genotype import Gene, Role
from genesys_agents.offline.operators.scratch import draw_gene
from genesys_agents.offline.plan import read_gene
from genesys_agents.offline.roles import roles

Parts = dict[Role, list[Gene]]

ATTEMPTS = 30


def units_by_role(tree: GAUTree) -> dict[Role, list[str]]:
    """The exchangeable units of a tree below its root."""
    found: dict[Role, list[str]] = {}
    for unit, role in list(roles(tree).items())[1:]:
        found.setdefault(role, []).append(unit)
    return found


def parts(name: str, tree: GAUTree) -> Parts:
    """The genes of the exchangeable units of the parent ``name`` by role."""
    return {
        role: [read_gene(tree, unit, name) for unit in units]
        for role, units in units_by_role(tree).items()
    }


def recompose(rng: Random, hands: Sequence[Parts]) -> Gene:
    """A new macro composition whose mixers come from the parents.

    It has a part of every parent where there are slots enough.

    Args:
        rng: All randomness comes from it.
        hands: What each parent offers.
    """
    for _ in range(ATTEMPTS):
        gene, used = _deal(rng, hands)
        if all(used) and LIGHTEST <= cost(gene) <= HEAVIEST:
            break
    return gene


def _deal(rng: Random, hands: Sequence[Parts]) -> tuple[Gene, list[int]]:
    """Fill the mixers of a drawn block, each from a parent used least so far."""
    gene, used = draw_gene(rng, Role.BLOCK), [0] * len(hands)
    for path, role in _mixers(gene):
        holders = [index for index, hand in enumerate(hands) if role in hand]
        if holders:
            least = min(used[index] for index in holders)
            chosen = rng.choice([index for index in holders if used[index] == least])
            gene = gene.put(path, rng.choice(hands[chosen][role]))
            used[chosen] += 1
    return gene, used


def _mixers(gene: Gene, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Role]]:
    """Where the macro composition itself has mixers, and of which role."""
    found = []
    for slot, role in block_of(gene).slots.items():
        if role is Role.BLOCK:
            found += _mixers(gene.slots[slot], (*path, slot))
        elif role is not Role.NORM:
            found.append(((*path, slot), role))
    return found
