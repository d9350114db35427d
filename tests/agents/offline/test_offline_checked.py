"""The real checkers pass at least four of five first drafts."""

from __future__ import annotations

import pytest

from genesys.cli.config import compose
from genesys.gau.tree import GAUTree
from genesys.records import Operator
from genesys.registry import load
from genesys.sandbox import Limits, Sandbox
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


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_checkers_pass_first_drafts(seeds, context) -> None:
    checkers, verdicts = load(compose([]), kinds=("checker",)), []
    with Sandbox(Limits(threads=1)) as sandbox:
        for draft in drafts(seeds, context, range(12)):
            report = checkers.check(draft, sandbox)
            verdicts.append(report.valid or [issue.message for issue in report.issues])
    assert sum(verdict is True for verdict in verdicts) >= 10, verdicts
