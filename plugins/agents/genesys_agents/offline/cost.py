"""How heavy a gene is, in parameters per block over D^2."""

from __future__ import annotations

from genesys.gau.tree import GAUTree
from genesys_agents.offline.blocks.library import block_of
from genesys_agents.offline.genotype import Gene, Role
from genesys_agents.offline.plan import read_gene
from genesys_agents.offline.roles import roles

# A transformer block weighs 12 D^2: four in attention, eight in its MLP.
REFERENCE = 12.0
LIGHTEST, HEAVIEST = 0.55 * REFERENCE, 1.7 * REFERENCE
TAKEN = {Role.BLOCK: 12.0, Role.TOKEN: 5.0, Role.CHANNEL: 8.0, Role.NORM: 0.0}


def cost(gene: Gene, role: Role = Role.BLOCK) -> float:
    """Parameters of a gene over D^2; of a unit taken as it is, what is usual for its role."""
    if gene.opaque:
        return TAKEN[role]
    block = block_of(gene)
    inner = sum(cost(child, block.slots[slot]) for slot, child in gene.slots.items())
    return float(block.cost(gene.params) + block.share(gene.params) * inner)


def quadratic(gene: Gene) -> bool:
    """Whether any library block of the gene takes time that grows with L^2."""
    return any(block_of(g).quadratic(g.params) for _, g in gene.walk() if not g.opaque)


def weigh(tree: GAUTree) -> float:
    """Parameters of a whole block over D^2, roughly.

    Of a root that the library cannot read, those of the exchangeable units it calls count.
    """
    gene = read_gene(tree, tree.root, "")
    if not gene.opaque:
        return cost(gene)
    called = {name: role for name, role in roles(tree).items() if tree.root in tree.parents(name)}
    found = sum(cost(read_gene(tree, name, ""), role) for name, role in called.items())
    return max(found, LIGHTEST)
