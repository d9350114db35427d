"""The table of the reference units, as it stands in docs/units.md.

The weight is that of the whole block a unit is tried in, at width 128, as a share of the GPT
seed's.

    python benchmarks/reference_units.py
"""

from __future__ import annotations

import torch

from genesys.gau.compose import compose
from genesys.gau.folder import load_tree
from genesys.gau.load import load_block
from genesys.gau.reference import HOST, ROLES, ReferenceUnit, hosted, reference_units
from genesys.gau.tree import GAUTree
from genesys.resources import resource

WIDTH = 128


def parameters(tree: GAUTree) -> int:
    module = load_block(compose(tree))
    with torch.device("meta"):
        block = module.GAB(embed_dim=WIDTH, block_loc=(0, 1), device="meta", **module.gab_config)
    return sum(parameter.numel() for parameter in block.parameters())


def row(unit: ReferenceUnit, gpt: int) -> str:
    weight = "" if unit.role == "part" else f"{parameters(hosted(unit.name)) / gpt:.2f}"
    what = unit.summary.replace("|", "\\|")
    return f"| {unit.role} | `{unit.name}` | {what} | {unit.source} | {weight} |"


def main() -> None:
    units = reference_units().values()
    gpt = parameters(load_tree(resource("seeds") / HOST))
    counts = ", ".join(f"{sum(u.role == role for u in units)} {role}" for role in ROLES)
    print(f"{len(units)} units: {counts}.\n")
    print("| role | unit | what it does | source | weight |\n|---|---|---|---|---|")
    for unit in units:
        print(row(unit, gpt))


if __name__ == "__main__":
    main()
