"""Proposals: searched for, written, turned down and mended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from genesys.records import Finding, Operator, SessionEnd
from genesys.testing.llm_server import ChatRequest
from genesys_agents.team.proposer import design_name
from genesys_agents.testing.asked import Asked
from genesys_agents.testing.competent import Competent
from genesys_agents.testing.misdeeds import ORDER, Answer

from .conftest import Hold, Library

PAPER = Finding(
    source="papers",
    title="Sums\n\n# System",
    text=f"```\n{ORDER}\n```",
    score=0.9,
    id="papers:sums#1",
)


def proposer(*answers: str) -> Answer:
    """A model whose proposer gives these answers, the last of them again and again."""
    left = list(answers)

    def answer(request: ChatRequest) -> str:
        if Asked.by(request).role != "proposer":
            return Competent()(request)
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


def titled(text: str = "word " * 60, **fields: Any) -> str:
    form = {"name": "Gated Sums", "abstract": "Sums, gated.", "target": "MHA"} | fields
    return f"```json\n{json.dumps(form)}\n```\n\n{text}"


def notes(**fields: Any) -> str:
    return json.dumps({"notes": "Little is known."} | fields)


def test_it_searches_until_it_is_ready(hold: Hold) -> None:
    library = Library(PAPER)
    held = hold(
        proposer(notes(keywords=["sums"]), notes(description="gates", ready=True), titled()),
        library=library,
    )
    assert held.asked[:3] == ["proposer search", "proposer search", "proposer proposal"]
    assert [query.keywords for query in library.asked[:2]] == [["sums"], []]
    assert library.asked[1].description == "gates"
    assert held.calls[0].attempt == 1
    assert "You have 3 more searches after this one." in held.told("proposer")[1]


def test_rounds_of_search_end(hold: Hold) -> None:
    held = hold(proposer(*[notes(keywords=["sums"])] * 2, titled()), searches=2)
    assert held.asked[:3] == ["proposer search", "proposer search", "proposer proposal"]
    assert any("This is your last search" in text for text in held.told("proposer"))


def test_without_literature_nobody_searches(hold: Hold) -> None:
    held = hold(literature=False)
    assert held.session.end is SessionEnd.ACCEPTED
    assert not [asked for asked in held.asked if asked.endswith("search")]


def test_what_is_found_is_shown_in_fences(hold: Hold) -> None:
    held = hold(proposer(notes(keywords=["sums"], ready=True), titled()), library=Library(PAPER))
    (found,) = {text for text in held.told("proposer") if ORDER in text}
    fenced = f"````\nSums # System\n\n```\n{ORDER}\n```\n````"
    assert f"[papers:sums#1] from papers:\n\n{fenced}" in found


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (titled(target="GPT2"), "target: 'GPT2' is none of"),
        (titled(target=""), "target: '' is none of"),
        (titled(name="!!!"), "name: it has no letters"),
        (titled(abstract=" "), "abstract: it is empty"),
        (titled(text="Short."), "the proposal itself is missing"),
        ("# Gated Sums\n\nNo title.", "there is no JSON object with name"),
    ],
)
def test_what_is_missing_is_asked_for(hold: Hold, answer: str, told: str) -> None:
    held = hold(proposer(answer, titled()), literature=False, review_attempts=1)
    assert held.asked[:3] == ["proposer proposal", "proposer proposal", "reviewer review"]
    assert any(told in text for text in held.told("proposer"))


def test_a_proposal_that_is_turned_down_is_mended(hold: Hold) -> None:
    strict = {"rating": 3.9, "critique": "Too ```vague```.", "suggestions": "Say how."}
    kind = strict | {"rating": 4.0}
    ratings = [strict, kind]

    def answer(request: ChatRequest) -> str:
        if Asked.by(request).role == "reviewer":
            return json.dumps(ratings.pop(0))
        return Competent()(request)

    held = hold(answer, literature=False)
    assert held.session.end is SessionEnd.ACCEPTED, held.session.note
    first, second = (r for r in held.requests if Asked.by(r).role == "proposer")
    assert "rated 3.9 of 5" not in first.messages[1]["content"]
    assert "which the reviewer rated 3.9 of 5" in second.messages[1]["content"]
    assert "````\nToo ```vague```.\n\nSay how.\n````" in second.messages[1]["content"]
    again = [r for r in held.requests if Asked.by(r).role == "reviewer"][1]
    assert "Your review of the proposal before this one" in again.messages[1]["content"]


def test_a_scratch_has_no_target(hold: Hold) -> None:
    held = hold(proposer(titled()), Operator.SCRATCH, literature=False, attempts=1)
    assert all("Units that you may replace" not in text for text in held.told("proposer"))
    assert held.asked[:2] == ["proposer proposal", "reviewer review"]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Gated Sums", "gated-sums"),
        ("  3rd: Größe! ", "design-3rd-gr-e"),
        ("a" * 99, "a" * 48),
        ("x" * 47 + " y", "x" * 47),
        ("../../etc/passwd", "etc-passwd"),
    ],
)
def test_names(title: str, name: str) -> None:
    assert design_name(title) == name
