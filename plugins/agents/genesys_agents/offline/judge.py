"""What speaks against a plan: the proposal's risks and the review's deductions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from genesys.errors import GenesysError
from genesys.gau.tree import GAUTree
from genesys.records import Proposal
from genesys_agents.offline.blocks.library import block_of
from genesys_agents.offline.cost import REFERENCE, weigh
from genesys_agents.offline.genotype import Gene, Role
from genesys_agents.offline.plan import Plan

BEST = 4.75
MANY_UNITS = 20
NEAR = 32


@dataclass(frozen=True)
class Remark:
    """A reason for doubt and the points it costs of :data:`BEST`."""

    text: str
    points: float


def remarks(plan: Plan, tree: GAUTree) -> list[Remark]:
    """Doubts about a plan for itself.

    Args:
        plan: Of the child.
        tree: Of the child.
    """
    genes = [gene for _, gene in plan.gene.walk()]
    mixers = [g for g in genes if g.opaque or block_of(g).role is Role.TOKEN]
    found = []
    share = weigh(tree) / REFERENCE
    if not 0.65 <= share <= 1.5:
        found.append(Remark(f"The block weighs {share:.2f} times a transformer's.", 0.5))
    if mixers and all(_near(g) for g in mixers):
        text = f"Within one block nothing reaches further back than {NEAR} positions."
        found.append(Remark(text, 0.5))
    if mixers and all(g.params.get("position") == "none" for g in mixers):
        text = "Attention gets no positions; it has to infer order from the causal mask."
        found.append(Remark(text, 0.5))
    if len(tree.units) > MANY_UNITS:
        found.append(Remark(f"With {len(tree.units)} units the design is hard to read.", 0.5))
    return found


def repeats(plan: Plan, siblings: Sequence[Proposal]) -> list[Remark]:
    """Doubts because of what was proposed from the same parents before."""
    found = []
    for sibling in siblings:
        try:
            other = Plan.read(sibling.plan)
        except GenesysError:
            continue  # another designer's plan
        if other.gene == plan.gene and (other.base, other.target) == (plan.base, plan.target):
            found.append(Remark(f"{sibling.name} proposed exactly this.", 3.0))
        elif other.target == plan.target and _outline(other.gene) == _outline(plan.gene):
            found.append(Remark(f"Only parameters tell it from {sibling.name}.", 0.5))
    return sorted(found, key=lambda remark: -remark.points)[:1]


def _near(gene: Gene) -> bool:
    """Whether a token mixer reaches no further than :data:`NEAR` positions by itself."""
    p = gene.params
    reach = {
        "short_conv": p.get("kernel", 0),
        "dilated_conv": 4 ** (int(p.get("levels", 1)) - 1) * int(p.get("taps", 1)),
        "window_means": 4 ** int(p.get("levels", 0)),
        "attention": p.get("window") or float("inf"),
        "shifted": 1,
        "conv_fed": p.get("kernel", 0),
        "hybrid": 0,
        "cascade": 0,
    }
    return float(reach.get(gene.block, float("inf"))) <= NEAR


def _outline(gene: Gene) -> str:
    return f"{gene.block}({','.join(_outline(child) for child in gene.slots.values())})"
