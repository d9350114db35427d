"""Valid designs pass without a remark: tricky units, seeds at three sizes, offline designs."""

from __future__ import annotations

import pytest

from genesys.gau.folder import load_tree
from genesys.records import Design, Found, Operator
from genesys.resources import resource
from genesys.session import SessionContext
from genesys_agents.offline.designer import OfflineDesigner

from .cases import Case, parameters
from .conftest import Check

CASES = parameters("valid")
SEEDS = ("gpt2", "mamba2", "retnet", "rwkv6", "ttt")
# Widths, the second of which is built and run only, and blocks.
SIZES = (((32, 64), 1), ((48, 96), 3), ((128, 256), 1))
OPERATORS = (Operator.MUTATION, Operator.CROSSOVER, Operator.SCRATCH)
DRAFTS = 15


@pytest.mark.parametrize("case", CASES)
def test_valid_unit_passes(case: Case, check: Check) -> None:
    assert "about" in case.header
    report = check(case.design, **case.settings)
    assert report.valid, report.issues
    assert {issue.kind for issue in report.issues} == case.warnings
    assert bool(report.repairs) == ("repaired" in case.header)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("seed", SEEDS)
def test_seed_passes(seed: str, size: tuple[tuple[int, int], int], check: Check) -> None:
    report = check(_seed(seed), widths=list(size[0]), width=size[0][0], blocks=size[1])
    assert report.valid, report.issues
    assert report.issues == []


@pytest.mark.slow
@pytest.mark.parametrize("number", range(DRAFTS))
def test_offline_design_passes(number: int, check: Check) -> None:
    report = check(_draft(number))
    assert report.valid, report.issues


def test_suite_is_large() -> None:
    assert len(CASES) >= 40


def _seed(name: str) -> Design:
    return load_tree(resource("seeds") / name).as_design(name=name)


def _draft(number: int) -> Design:
    """A first draft of the offline designer, its parents going round the seeds."""
    operator = OPERATORS[number % 3]
    count = {Operator.MUTATION: 1, Operator.CROSSOVER: 2, Operator.SCRATCH: 0}[operator]
    context = SessionContext(
        index=number,
        seed=number,
        operator=operator,
        parents=tuple(_seed(SEEDS[(number + i) % len(SEEDS)]) for i in range(count)),
        references=(),
        siblings=(),
        search=lambda query: Found(),
        check=lambda design: pytest.fail("a first draft is not checked"),
        is_new=lambda design: True,
    )
    agent = OfflineDesigner(attempts=1)
    return agent.implement(context, agent.propose(context))
