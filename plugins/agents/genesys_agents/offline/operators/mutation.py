"""Changes one unit of a parent; all other units keep their code."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from genesys.gau.reference import reference_units as published
from genesys.gau.tree import GAUTree
from genesys_agents.offline.blocks.library import block_of, blocks_for
from genesys_agents.offline.genotype import Gene, Role, reference_gene
from genesys_agents.offline.operators.parts import parts, recompose
from genesys_agents.offline.operators.scratch import MAX_DEPTH, draw_gene
from genesys_agents.offline.plan import Plan, read_gene
from genesys_agents.offline.roles import roles

# Token mixers are where designs differ most.
WEIGHTS = {Role.TOKEN: 5, Role.CHANNEL: 3, Role.BLOCK: 2, Role.NORM: 1}

Move = Callable[[Random, Gene, Role], tuple[Gene, str]]


def draw(rng: Random, name: str, tree: GAUTree, reference_units: bool = False) -> Plan:
    """Pick a unit of the parent ``name`` and something to put in its place.

    Args:
        rng: All randomness comes from it.
        name: Of the parent.
        tree: The parent's.
        reference_units: Whether a reference unit may come in its place.
    """
    found = roles(tree)
    units = sorted(found)
    target = rng.choices(units, [WEIGHTS[found[unit]] for unit in units])[0]
    gene, role = read_gene(tree, target, name), found[target]
    if gene.opaque and role is Role.BLOCK:
        new = recompose(rng, [parts(name, tree)])
        what = f"its mixers stand in a new {new.block} block"
    else:
        new, what = rng.choice(_moves(gene, role, reference_units))(rng, gene, role)
    return Plan(base=name, target=target, gene=new, move=f"{target} of {name}: {what}")


def redraw(rng: Random, gene: Gene, path: tuple[str, ...], role: Role) -> Gene:
    """A copy of a gene of the given role with the part at ``path`` drawn anew."""
    if path:
        role = block_of(gene.at(path[:-1])).slots[path[-1]]
    return gene.put(path, draw_gene(rng, role, depth=len(path)))


def _moves(gene: Gene, role: Role, reference_units: bool) -> list[Move]:
    moves: list[Move] = [_fresh]
    if reference_units and role is not Role.BLOCK:
        moves.append(_published)
    if role is Role.TOKEN:
        moves.append(_wrap)
    if not gene.opaque and gene.slots:
        moves += [_part, _part]
    if any(_tunable(part) for _, part in gene.walk()):
        moves += [_point, _point]
    return moves


def _fresh(rng: Random, gene: Gene, role: Role) -> tuple[Gene, str]:
    new = draw_gene(rng, role)
    return new, f"a new {new.block} in its place"


def _published(rng: Random, gene: Gene, role: Role) -> tuple[Gene, str]:
    unit = rng.choice([unit for unit in published().values() if unit.role == role.value])
    return reference_gene(unit.name), f"{unit.name} in its place, after {unit.source}"


def _wrap(rng: Random, gene: Gene, role: Role) -> tuple[Gene, str]:
    """Keep what is there inside a block that has a slot for it."""
    options = [b for b in blocks_for(role) if role in b.slots.values()]
    block = rng.choices(options, [b.weight for b in options])[0]
    kept = rng.choice([slot for slot, inner in block.slots.items() if inner is role])
    slots = {
        slot: gene if slot == kept else draw_gene(rng, inner, depth=MAX_DEPTH)
        for slot, inner in block.slots.items()
    }
    params = {key: rng.choice(values) for key, values in block.choices.items()}
    return Gene(block=block.name, params=params, slots=slots), f"kept inside a {block.name} block"


def _part(rng: Random, gene: Gene, role: Role) -> tuple[Gene, str]:
    path = rng.choice([path for path, _ in gene.walk() if path])
    return redraw(rng, gene, path, role), f"its {'/'.join(path)} drawn anew"


def _point(rng: Random, gene: Gene, role: Role) -> tuple[Gene, str]:
    path, part = rng.choice([(p, g) for p, g in gene.walk() if _tunable(g)])
    block = block_of(part)
    name = rng.choice(sorted(block.choices))
    old = part.params[name]
    new = rng.choice([value for value in block.choices[name] if value != old])
    return gene.put(path, part.set(name, new)), f"{name} of its {block.name} from {old} to {new}"


def _tunable(gene: Gene) -> bool:
    return not gene.opaque and bool(block_of(gene).choices)
