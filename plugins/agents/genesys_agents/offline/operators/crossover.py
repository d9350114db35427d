"""Recombines units of two or more parents."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from genesys.gau.tree import GAUTree
from genesys_agents.offline.genotype import Gene, Role
from genesys_agents.offline.operators.parts import parts, recompose, units_by_role
from genesys_agents.offline.operators.scratch import draw_gene
from genesys_agents.offline.plan import Plan, read_gene

Trees = Mapping[str, GAUTree]

RECOMPOSE = 0.35


def draw(rng: Random, trees: Trees) -> Plan:
    """Pick how to cross the parents: move a unit over, blend two mixers, or recompose all.

    Args:
        rng: All randomness comes from it.
        trees: Two or more parents' trees by name.
    """
    names = list(trees)
    base, donor = rng.sample(names, 2)
    here, there = units_by_role(trees[base]), units_by_role(trees[donor])
    shared = [role for role in (Role.TOKEN, Role.CHANNEL) if role in here and role in there]
    if len(names) > 2 or not shared or rng.random() < RECOMPOSE:
        gene = recompose(rng, [parts(name, tree) for name, tree in trees.items()])
        move = f"mixers of {', '.join(names)} in a new {gene.block} block"
        return Plan(base=base, target=trees[base].root, gene=gene, move=move)
    role = rng.choice(shared)
    target, unit = rng.choice(here[role]), rng.choice(there[role])
    gene = read_gene(trees[donor], unit, donor)
    if role is Role.TOKEN and rng.random() < 0.5:
        gene = _blend(rng, read_gene(trees[base], target, base), gene)
        move = f"{target} of {base} works with {unit} of {donor} in a {gene.block}"
    else:
        move = f"{target} of {base} gives way to {unit} of {donor}"
    return Plan(base=base, target=target, gene=gene, move=move)


def _blend(rng: Random, first: Gene, second: Gene) -> Gene:
    """Two token mixers side by side or one after the other."""
    if rng.random() < 0.3:
        slots = {"first": first, "norm": draw_gene(rng, Role.NORM), "second": second}
        return Gene(block="cascade", slots=slots)
    params = {"blend": rng.choice(("sum", "gate"))}
    return Gene(block="hybrid", params=params, slots={"first": first, "second": second})
