"""Whole sessions over HTTP: what goes well, and what all may go wrong."""

from __future__ import annotations

from itertools import pairwise

import pytest

from genesys.gau.tree import GAUTree
from genesys.population.population import Population
from genesys.records import Operator, SessionEnd
from genesys.tape import CallEnd
from genesys.testing.llm_server import ChatRequest, Fault
from genesys_agents.team.answers import blocks
from genesys_agents.testing.asked import Asked
from genesys_agents.testing.competent import Competent
from genesys_agents.testing.misdeeds import (
    ORDER,
    Misdeed,
    flattery,
    forbidden_import,
    garbage,
    injection,
    missing_blocks,
    rewrites_protected,
    several_ratings,
    sometimes,
    wrong_name,
)

from ..testing.conftest import PARENTS
from .conftest import Hold

CAPS = {"searches": 1, "attempts": 2, "unit_attempts": 2}


@pytest.mark.parametrize("operator", list(PARENTS))
def test_a_design_comes_of_it(hold: Hold, population: Population, operator: Operator) -> None:
    held = hold(operator=operator)
    assert held.session.end is SessionEnd.ACCEPTED, held.session.note
    assert held.design is not None
    assert held.design.check is not None
    assert held.design.check.valid
    assert held.design.parents == PARENTS[operator]
    assert len(held.answered) == len(held.calls) == len(held.requests)
    assert {call.role for call in held.calls} == {
        "proposer",
        "reviewer",
        "planner",
        "coder",
        "observer",
    }
    assert all(attempt.accepted and attempt.rating == 4 for attempt in held.tries)
    kept = {unit.code for unit in held.design.units}
    for name in PARENTS[operator]:
        assert kept & {unit.code for unit in population.design(name).units}
    if operator is Operator.MUTATION:
        parent = GAUTree.of(population.design("gpt2"))
        assert held.design.proposal is not None
        target = held.design.proposal.target
        changed = {*parent.subtree(target).units, *parent.parents(target)}
        written = {unit.name: unit.code for unit in held.design.units}
        for name in parent.units.keys() - changed:
            assert written[name] == parent.units[name].code


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=429, headers={"Retry-After": "0.02"}),
        Fault(status=500),
        Fault(cut=30),
        Fault(text=""),
        Fault(text="x" * 2_000_000),
        Fault(raw=b"\xff\xfe\x00 no JSON, no UTF-8"),
        Fault(raw=b'{"choices": []}'),
    ],
    ids=["429", "500", "cut", "empty", "enormous", "not UTF-8", "no choices"],
)
def test_what_a_provider_does_wrong_now_and_then_is_survived(hold: Hold, fault: Fault) -> None:
    faults = [fault, None, fault, None, None, fault]
    held = hold(faults=faults, llm={"session_usd": 100}, literature=False)
    assert held.session.end is SessionEnd.ACCEPTED, held.session.note
    assert [call.end for call in held.calls].count(CallEnd.RETRIED) == 3


def test_money_for_what_nobody_asked_for_is_counted(hold: Hold) -> None:
    held = hold(faults=[Fault(text="x" * 2_000_000)] * 9, llm={"session_usd": 3})
    assert held.session.end is SessionEnd.OVER_BUDGET
    assert "llm.session_usd" in held.session.note
    assert len(held.requests) == 2


def test_a_provider_that_stalls_is_given_up(hold: Hold) -> None:
    held = hold(faults=[None, None, None, None, Fault(stall=2.0)], llm={"call_seconds": 0.4})
    assert held.session.end is SessionEnd.FAILED
    assert "no answer within" in held.session.note


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        ([Fault(status=429)] * 9, "told to fail, in 6 tries"),
        ([Fault(status=500)] * 9, "told to fail, in 6 tries"),
        ([Fault(text="")] * 9, "an empty answer, in 6 tries"),
        ([Fault(finish="content_filter")], "refused to answer"),
        (
            [Fault(status=400, error="maximum context length is 10")] * 9,
            "no messages so long",
        ),
    ],
    ids=["429", "500", "empty", "refusal", "overflow"],
)
def test_what_goes_on_going_wrong_ends_the_session(
    hold: Hold, faults: list[Fault], told: str
) -> None:
    held = hold(faults=faults)
    assert held.session.end is SessionEnd.FAILED
    assert told in held.session.note
    assert held.design is None


@pytest.mark.parametrize(
    ("misdeed", "every", "end", "told"),
    [
        (garbage, 1, SessionEnd.FAILED, "The proposer gave no usable answer (search) in 3 tries"),
        (garbage, 2, SessionEnd.ACCEPTED, ""),
        (missing_blocks, 1, SessionEnd.FAILED, "there is no JSON object with notes"),
        (missing_blocks, 2, SessionEnd.ACCEPTED, ""),
        (wrong_name, 2, SessionEnd.ACCEPTED, ""),
        (several_ratings, 1, SessionEnd.FAILED, "there are 2 answers that differ; give one"),
        (several_ratings, 2, SessionEnd.ACCEPTED, ""),
        (flattery, 1, SessionEnd.ACCEPTED, ""),
        (rewrites_protected, 1, SessionEnd.NOT_IMPLEMENTED, "is not yours to change"),
        (rewrites_protected, 2, SessionEnd.ACCEPTED, ""),
        (forbidden_import, 1, SessionEnd.NOT_IMPLEMENTED, "subprocess"),
        (forbidden_import, 2, SessionEnd.ACCEPTED, ""),
        (injection, 1, SessionEnd.ACCEPTED, ""),
    ],
)
def test_what_a_model_does_wrong(
    hold: Hold, misdeed: Misdeed, every: int, end: SessionEnd, told: str
) -> None:
    held = hold(sometimes(Competent(), misdeed, every), **CAPS)
    assert held.session.end is end, held.session.note
    assert told in held.session.note


def test_answers_that_are_cut_short_are_asked_for_again(hold: Hold) -> None:
    def cut(request: ChatRequest, text: str) -> str:
        return text[: len(text) // 3]

    held = hold(sometimes(Competent(), cut, every=2), searches=0)
    assert held.session.end is SessionEnd.ACCEPTED, held.session.note
    held = hold(sometimes(Competent(), cut))
    assert held.session.end is SessionEnd.FAILED
    assert len(held.calls) == 3


def test_orders_in_a_proposal_stay_data(hold: Hold) -> None:
    """They reach the others in fences, and nobody's rules change."""
    held = hold(sometimes(Competent(), injection))
    systems = {r.messages[0]["content"] for r in held.requests}
    for text in [*systems, *held.told("reviewer")]:
        outside = text
        for block in sorted(_fenced(text), key=len, reverse=True):
            outside = outside.replace(block, "")
        assert ORDER not in outside


def test_a_session_that_was_killed_goes_on(hold: Hold) -> None:
    whole = hold()
    assert whole.design is not None
    for known in range(1, len(whole.calls), 3):
        again = hold(calls=whole.calls[:known])
        assert again.design is not None
        assert again.design.units == whole.design.units
        assert len(again.requests) == len(whole.calls) - known


def test_the_prefix_of_a_role_stays_the_same(hold: Hold) -> None:
    held = hold(operator=Operator.CROSSOVER)
    for role in ("planner", "coder", "observer"):
        talks = [r.messages for r in held.requests if Asked.by(r).role == role]
        for before, after in pairwise(talks):
            assert after[: len(before)] == before


def _fenced(text: str) -> list[str]:
    return [text[block.start : block.end] for block in blocks(text)]
