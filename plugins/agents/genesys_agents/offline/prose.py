"""Turns plans into proposals that a person can read."""

from __future__ import annotations

import re
from collections.abc import Sequence

from genesys.gau.structure import structural_hash
from genesys.gau.tree import GAUTree
from genesys.records import Design, Operator, Proposal
from genesys_agents.offline.blocks.library import block_of
from genesys_agents.offline.cost import REFERENCE, quadratic, weigh
from genesys_agents.offline.emit import environment, unit_name
from genesys_agents.offline.genotype import Gene, Role
from genesys_agents.offline.judge import remarks
from genesys_agents.offline.plan import Plan, Trees

MAX_STEM = 58


def propose(
    plan: Plan, operator: Operator, tree: GAUTree, trees: Trees, references: Sequence[Design]
) -> Proposal:
    """The proposal of a plan.

    Args:
        plan: Of the child.
        operator: How it is made.
        tree: Of the child.
        trees: The parents' trees by name.
        references: Other designs that the session was shown.
    """
    new = [tree.units[name] for name in written(plan, tree)]
    title = headline(plan.gene)
    text = (
        environment()
        .get_template("proposal.md.jinja")
        .render(
            title=title,
            operator=operator.value,
            plan=plan,
            parents=list(trees),
            references=[r.proposal or r for r in references],
            units=new,
            tree=tree.render(),
            weight=f"{weigh(tree):.1f}",
            share=f"{weigh(tree) / REFERENCE:.2f}",
            quadratic=quadratic(plan.gene),
            published=any(gene.published for _, gene in plan.gene.walk()),
            risks=remarks(plan, tree),
        )
    )
    return Proposal(
        name=design_name(plan.gene, tree),
        abstract=f"{title}: {plan.move}.",
        text=text,
        operator=operator,
        parents=list(trees),
        target=plan.target if operator is Operator.MUTATION else "",
        plan=plan.model_dump_json(),
    )


def headline(gene: Gene) -> str:
    """What is new about a gene, in one phrase."""
    return _phrase(gene).capitalize()


def design_name(gene: Gene, tree: GAUTree) -> str:
    """A readable name with four digits of the tree's structural hash."""
    stem = "-".join(_words(gene))[:MAX_STEM].rstrip("-")
    return f"{stem}-{structural_hash(tree)[:4]}"


def _phrase(gene: Gene) -> str:
    words = " ".join(_split(_title(gene)))
    mixers = (
        [] if gene.opaque else [s for s, r in block_of(gene).slots.items() if r is not Role.NORM]
    )
    inner = list(dict.fromkeys(_phrase(gene.slots[slot]) for slot in mixers))
    return f"{words} of {' and '.join(inner)}" if inner else words


def _words(gene: Gene) -> list[str]:
    """Words of the gene's own title and of the first token mixer that it is built around."""
    words = _split(_title(gene))
    inner = next((gene.slots[s] for s in ("inner", "token", "token1") if s in gene.slots), None)
    return words + _words(inner) if inner else words


def _title(gene: Gene) -> str:
    return str(gene.params["unit"]) if gene.opaque else block_of(gene).title(gene.params)


def _split(title: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])\d*|[A-Z][a-z]*\d*", title)]


def written(plan: Plan, tree: GAUTree) -> list[str]:
    """Names of the units that the plan adds, callers first."""
    genes = [gene for _, gene in plan.gene.walk()]
    names = {unit_name(gene) for gene in genes if not gene.opaque}
    names |= {_title(gene) for gene in genes if gene.published}
    return [name for name in tree.order() if name in names]
