"""Writes the source of units: one template per building block."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from genesys.gau.unit import MARKER
from genesys_agents.offline.blocks.library import LIBRARY, block_of
from genesys_agents.offline.genotype import Gene, Role, canonical_json

GENOTYPE = "# genotype: "

REQUIREMENTS = {
    Role.BLOCK: "Be a whole block.",
    Role.TOKEN: "Mix positions causally.",
    Role.CHANNEL: "Map each position.",
    Role.NORM: "Normalise each position.",
}


@cache
def environment() -> Environment:
    """The environment that all templates of this package are rendered in."""
    return Environment(
        loader=PackageLoader("genesys_agents.offline"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        autoescape=False,
    )


def unit_name(gene: Gene) -> str:
    """Class name of the unit that a gene of the library is written as."""
    return block_of(gene).title(gene.params) + gene.digest().upper()


def write_unit(gene: Gene, names: Mapping[str, str]) -> str:
    """Source of the unit for the topmost block of a gene.

    Args:
        gene: Of the library.
        names: Class name of the unit in each slot.
    """
    block = block_of(gene)
    declared = list(dict.fromkeys(names[slot] for slot in block.slots))
    role = {names[slot]: role for slot, role in block.slots.items()}
    name = unit_name(gene)
    body = (
        environment()
        .get_template(f"{block.name}.jinja")
        .render(
            **gene.params,
            name=name,
            prefix=f"{block.name}_{gene.digest()}",
            slots=dict(names),
            children=[{"name": n, "requirements": REQUIREMENTS[role[n]]} for n in declared],
        )
    )
    slots = {slot: declared.index(names[slot]) for slot in block.slots}
    genotype = {"block": gene.block, "params": gene.params, "slots": slots}
    return _tidy(f"{MARKER}\n{GENOTYPE}{canonical_json(genotype)}\n{_imports(body)}\n\n\n{body}")


def read_header(code: str) -> dict[str, Any] | None:
    """What :func:`write_unit` noted of the genotype; None in units written otherwise.

    Only the name of the block is sure to be one of the library's: anybody can write a note.
    """
    lines = code.split("\n", 2)
    if len(lines) < 3 or not lines[1].startswith(GENOTYPE):
        return None
    try:
        header = json.loads(lines[1].removeprefix(GENOTYPE))
    except (ValueError, RecursionError):
        return None
    known = isinstance(header, dict) and isinstance(header.get("block"), str)
    return header if known and header["block"] in LIBRARY else None


def _imports(body: str) -> str:
    groups = [
        ["import math"] if "math." in body else [],
        [
            line
            for line, use in (
                ("import torch", "torch."),
                ("from torch import nn", "nn."),
                ("from torch.nn import functional", "functional."),
            )
            if re.search(rf"\b{re.escape(use)}", body)
        ],
        [f"from genesys.gau import GAUBase, {'UnitDecl, ' if 'UnitDecl(' in body else ''}gau_test"],
    ]
    return "\n\n".join("\n".join(group) for group in groups if group)


def _tidy(code: str) -> str:
    """Blank lines as formatters want them: two before what starts at the margin, one elsewhere.

    Templates need not count them, whatever parts they leave out.
    """
    lines: list[str] = []
    for line in (raw.rstrip() for raw in code.split("\n")):
        before = lines[-1] if lines else ""
        if line.startswith(("def ", "class ", "@", "CHILDREN")) and not before.startswith("@"):
            while lines and not lines[-1]:
                lines.pop()
            lines += ["", ""]
        if line or (before and not before.endswith(":")):
            lines.append(line)
    return "\n".join(lines).rstrip("\n") + "\n"
