"""Shows designs, proposals and findings to models: as data, in fences they cannot leave."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from random import Random

from genesys.gau.tree import GAUTree
from genesys.records import Design, Finding, Found, Proposal
from genesys.session import SessionContext
from genesys.text import clean, one_line

_STOCK = 8_000  # characters: four short units


def quoted(text: str, language: str = "") -> str:
    """The text in a fence that is longer than any run of backticks in it."""
    text = clean(text).strip("\n")
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def design_view(design: Design, code: bool = True) -> str:
    """A design: its tree, what it was proposed as, and its units' files."""
    tree = GAUTree.of(design)
    parts = [f"#### {design.name}", quoted(tree.render())]
    if design.proposal:
        parts.append(f"Idea: {one_line(design.proposal.abstract, 400)}")
    if code:
        parts += [unit_view(tree, name) for name in tree.order()]
    return "\n\n".join(parts)


def tree_view(tree: GAUTree) -> str:
    """A tree and its units' files."""
    names = [name for name in tree.order() if name in tree.units]
    return "\n\n".join([quoted(tree.render()), *(unit_view(tree, name) for name in names)])


def unit_view(tree: GAUTree, name: str) -> str:
    """One unit's file."""
    return f"Unit {name}:\n\n{quoted(tree.units[name].code, 'python')}"


def stock_view(stock: Mapping[str, GAUTree], shown: Iterable[str], most: int = _STOCK) -> str:
    """Units that may be reused: whole as long as there is room, then by what they say they do.

    Args:
        stock: Units by name, each with all that it calls.
        shown: Names of those to show.
        most: Characters of whole units.
    """
    parts: list[str] = []
    for name in shown:
        whole = unit_view(stock[name], name)
        most -= len(whole)
        about = one_line(stock[name].units[name].docstring, 300)
        parts.append(whole if most >= 0 else f"{name}, which is not shown whole: {about}")
    return "\n\n".join(parts)


def proposal_view(proposal: Proposal, whole: bool = True) -> str:
    """A proposal, or its one sentence."""
    head = f"{proposal.name}: {one_line(proposal.abstract, 400)}"
    return f"{head}\n\n{quoted(proposal.text, 'markdown')}" if whole else f"- {head}"


def siblings_view(context: SessionContext, most: int) -> list[str]:
    """Proposals made earlier from the same parents: some of them, drawn for the session."""
    siblings = list(context.siblings)
    drawn = Random(f"{context.seed}/siblings").sample(siblings, min(most, len(siblings)))
    return [proposal_view(proposal, whole=False) for proposal in drawn]


def found_view(found: Found) -> str:
    """What a search came to, and which sources gave no answer."""
    lacking = [
        f"{one_line(missing.source, 40)} gave no answer: {one_line(missing.reason, 200)}."
        for missing in found.missing
    ]
    return "\n\n".join([findings_view(found.findings), *lacking])


def findings_view(findings: Iterable[Finding]) -> str:
    """Passages with the ids to cite them by."""
    return "\n\n".join(map(_finding, findings)) or "Nothing was found."


def _finding(finding: Finding) -> str:
    """All that somebody else wrote stands in the fence, the title too."""
    source = one_line(finding.source, 40)
    head = f"[{one_line(finding.id, 300)}] from {source}" if finding.id else f"From {source}"
    text = quoted(f"{one_line(finding.title, 300)}\n\n{finding.text}")
    return f"{head}:\n\n{text}"
