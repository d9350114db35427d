"""Composes new genes from the library."""

from __future__ import annotations

from random import Random

from genesys_agents.offline.blocks.block import Block
from genesys_agents.offline.blocks.library import blocks_for
from genesys_agents.offline.cost import HEAVIEST, LIGHTEST, cost
from genesys_agents.offline.genotype import Gene, Role
from genesys_agents.offline.plan import Plan

MAX_DEPTH = 2
SAME_NORM = 0.75


def draw(rng: Random) -> Plan:
    """A whole block from the library alone, of a weight comparable to a transformer's."""
    gene = draw_gene(rng, Role.BLOCK)
    while not LIGHTEST <= cost(gene) <= HEAVIEST:
        gene = draw_gene(rng, Role.BLOCK)
    return Plan(gene=gene, move="composed from the library alone")


def draw_gene(rng: Random, role: Role, depth: int = 0, norm: Gene | None = None) -> Gene:
    """A random gene for a role.

    Args:
        rng: All randomness comes from it.
        role: What the gene has to do.
        depth: Of token mixers around it: from ``MAX_DEPTH`` on, only mixers without inner ones
            are drawn.
        norm: Used for every slot for norms; drawn at the root of a block most of the time, since
            blocks whose norms differ for no reason are hard to read.
    """
    options = [b for b in blocks_for(role) if _fits(b, depth)]
    block = rng.choices(options, [b.weight for b in options])[0]
    params = {name: rng.choice(values) for name, values in block.choices.items()}
    if role is Role.BLOCK and rng.random() < SAME_NORM:
        norm = norm or draw_gene(rng, Role.NORM)
    slots = {
        slot: norm if norm and inner is Role.NORM else draw_gene(rng, inner, depth + 1, norm)
        for slot, inner in block.slots.items()
    }
    return Gene(block=block.name, params=params, slots=slots)


def _fits(block: Block, depth: int) -> bool:
    nests = block.role in block.slots.values()
    limit = 1 if block.role is Role.BLOCK else MAX_DEPTH + 1
    return not nests or depth < limit
