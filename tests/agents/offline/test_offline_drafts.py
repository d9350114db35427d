"""First drafts work as they are; `tests/checkers/suite` has the checkers look at some too."""

from __future__ import annotations

from genesys.gau.tree import GAUTree
from genesys.records import Operator
from genesys_agents.offline.designer import OfflineDesigner

OPERATORS = (Operator.MUTATION, Operator.CROSSOVER, Operator.SCRATCH)


def drafts(seeds, context, numbers):
    """First drafts over all operators; parents go round the seeds."""
    agent = OfflineDesigner(attempts=1)
    for number in numbers:
        operator = OPERATORS[number % 3]
        count = {Operator.MUTATION: 1, Operator.CROSSOVER: 2, Operator.SCRATCH: 0}[operator]
        parents = [seeds[(number + i) % len(seeds)] for i in range(count)]
        made = context(operator, parents, seed=number)
        yield agent.implement(made, agent.propose(made))


def test_first_drafts_work_in_process(seeds, context, assert_works) -> None:
    for draft in drafts(seeds, context, range(6)):
        assert_works(GAUTree.of(draft), 48, (1, 33))
