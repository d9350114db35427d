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
    """A new macro composition whose mixers come from the parents, dealt out in turn.

    Args:
        rng: All randomness comes from it.
        hands: What each parent offers.
    """
    for _ in range(ATTEMPTS):
        gene = draw_gene(rng, Role.BLOCK)
        order = rng.sample(range(len(hands)), len(hands))
        for turn, (path, role) in enumerate(_mixers(gene)):
            dealt = [
                hands[(order[(turn + i) % len(hands)])].get(role, []) for i in range(len(hands))
            ]
            if choices := next((genes for genes in dealt if genes), []):
                gene = gene.put(path, rng.choice(choices))
        if LIGHTEST <= cost(gene) <= HEAVIEST:
            break
    return gene


def _mixers(gene: Gene, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Role]]:
    """Where the macro composition itself has mixers, and of which role."""
    found = []
    for slot, role in block_of(gene).slots.items():
        if role is Role.BLOCK:
            found += _mixers(gene.slots[slot], (*path, slot))
        elif role is not Role.NORM:
            found.append(((*path, slot), role))
    return found
