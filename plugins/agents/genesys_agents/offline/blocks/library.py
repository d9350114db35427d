"""Looks up building blocks and checks genes against them."""

from __future__ import annotations

from genesys.errors import GenesysError, UnknownNameError
from genesys.gau.reference import reference_unit
from genesys_agents.offline.blocks.block import Block
from genesys_agents.offline.blocks.channel import CHANNELS
from genesys_agents.offline.blocks.macro import MACROS
from genesys_agents.offline.blocks.norm import NORMS
from genesys_agents.offline.blocks.token import TOKENS
from genesys_agents.offline.genotype import Gene, Role

LIBRARY = {block.name: block for block in [*MACROS, *TOKENS, *CHANNELS, *NORMS]}


def block_of(gene: Gene) -> Block:
    """The library block of a gene that is not opaque.

    Raises:
        UnknownNameError: There is no such block.
    """
    if gene.block not in LIBRARY:
        raise UnknownNameError("building block", gene.block, LIBRARY)
    return LIBRARY[gene.block]


def blocks_for(role: Role) -> list[Block]:
    """The library's blocks that may stand in a role."""
    return [block for block in LIBRARY.values() if block.role is role]


def validate(gene: Gene) -> None:
    """Check that every gene has its block's parameters and slots, each of the right role.

    Raises:
        GenesysError: It has not.
    """
    for path, part in gene.walk():
        if part.published:
            reference_unit(str(part.params.get("unit")))
        if part.opaque:
            continue
        block, where = block_of(part), "/".join(path) or "root"
        for name, values in block.choices.items():
            if part.params.get(name) not in values:
                raise GenesysError(
                    f"{where}: {name}={part.params.get(name)!r} of {block.name} is not in {values}"
                )
        if part.params.keys() != block.choices.keys() or part.slots.keys() != block.slots.keys():
            raise GenesysError(f"{where}: {block.name} has other parameters or slots than these")
        for slot, role in block.slots.items():
            child = part.slots[slot]
            if not child.opaque and block_of(child).role is not role:
                raise GenesysError(f"{where}: {slot} of {block.name} must be a {role}")
