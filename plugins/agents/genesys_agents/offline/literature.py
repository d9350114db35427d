"""What is known of the mechanism that the offline designer is about to propose."""

from __future__ import annotations

from genesys.gau.tree import GAUTree
from genesys.records import Query, Reference
from genesys.session import SessionContext
from genesys_agents.offline.plan import Plan
from genesys_agents.offline.prose import headline, written

MOST = 3
CUTOFF = 0.2  # of a score; below it the works of the reference library have little to do with it
_OWN = ("proposals", "units")  # of runs, which are no literature


def literature(context: SessionContext, plan: Plan, tree: GAUTree) -> list[Reference]:
    """The works that come nearest to what a plan adds, best first; none if none is near.

    Stores are asked with what the new units say of themselves, in no time and without a network.

    Args:
        context: Of the session.
        plan: Of the child.
        tree: Of the child.
    """
    about = [headline(plan.gene), *(tree.units[n].docstring for n in written(plan, tree))]
    told = [text.split("\n\n", 1)[0] for text in about]
    found = context.search(Query(description=". ".join(told), limit=MOST)).findings
    near = [f for f in found if f.id and f.source not in _OWN and f.score >= CUTOFF]
    near.sort(key=lambda finding: -finding.score)
    return [Reference.to(finding) for finding in near[:MOST]]
