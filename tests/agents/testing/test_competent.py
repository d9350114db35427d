"""The double plays every role well enough for designs to come of it."""

from __future__ import annotations

import json
from urllib.request import Request, urlopen

import pytest

from genesys.gau.tree import GAUTree
from genesys.population.population import Population
from genesys.records import Operator, SessionEnd
from genesys.testing.llm_server import ChatRequest, LLMServer
from genesys_agents.testing.competent import LOST, Competent
from genesys_agents.testing.idea import Idea

from .conftest import PARENTS, Hold


@pytest.mark.parametrize("operator", list(PARENTS))
def test_a_design_comes_of_each_operator(
    operator: Operator, hold: Hold, population: Population
) -> None:
    held = hold(Competent(), operator)
    assert (held.session.end, held.session.note) == (SessionEnd.ACCEPTED, "")
    assert held.design is not None
    assert held.design.parents == PARENTS[operator]
    assert not GAUTree.of(held.design).placeholders()
    assert held.design.structural_hash not in population.hashes
    start = ["proposer search", "proposer proposal", "reviewer search", "reviewer review"]
    assert held.asked[:4] == start
    assert {"coder unit", "observer observation"} <= set(held.asked)
    assert sum(call.usd for call in held.calls) == 0
    assert Idea.of(held.design.proposal.text) is not None  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("operator", "parts"),
    [
        (Operator.CROSSOVER, {"units": False}),
        (Operator.SCRATCH, {"planner": False, "observer": False}),
        (Operator.MUTATION, {"direct": True}),
    ],
)
def test_parts_of_the_team_may_be_missing(
    operator: Operator, parts: dict[str, bool], hold: Hold
) -> None:
    held = hold(Competent(searches=2), operator, **parts)
    assert (held.session.end, held.session.note) == (SessionEnd.ACCEPTED, "")
    if parts == {"units": False}:
        assert held.asked.count("coder unit") == 1


def test_all_hangs_off_the_conversation_and_the_seed(hold: Hold) -> None:
    first, same, other = (hold(Competent(seed), Operator.SCRATCH) for seed in (0, 0, 1))
    assert first.design == same.design
    assert first.session.design != other.session.design


def test_proposals_that_are_turned_down_come_back_as_others(hold: Hold) -> None:
    held = hold(Competent(turns_down=1.0), review_attempts=3)
    assert held.session.end is SessionEnd.REJECTED_BY_REVIEW
    ideas = {str(Idea.of(answer)) for answer in held.answers("proposer")[1::2]}
    assert len(ideas) == 3


def test_a_picky_observer_is_heard(hold: Hold) -> None:
    held = hold(Competent(opinion=2.0), attempts=1, unit_attempts=2)
    assert held.session.end is SessionEnd.NOT_IMPLEMENTED
    told = ["coder unit", "observer observation", "coder debug", "observer observation"]
    assert held.asked[-4:] == told


def test_other_prompts_are_answered_too() -> None:
    body = {"model": "any", "messages": [{"role": "user", "content": "Hello."}]}
    with LLMServer(Competent()) as server:
        request = Request(
            f"{server.url}/chat/completions",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urlopen(request) as answer:
            told = json.load(answer)
    assert told["choices"][0]["message"]["content"] == LOST


@pytest.mark.parametrize("role", ["proposer", "reviewer", "planner", "coder", "observer"])
def test_a_cut_prompt_gets_an_answer(role: str) -> None:
    system = {"role": "system", "content": f"You are the {role} of a team"}
    messages = [system, {"role": "user", "content": "Propose a mutation of"}]
    assert Competent()(ChatRequest(0, "any", messages, {}, ""))
