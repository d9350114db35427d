"""Reviews: what the reviewer is shown, and what becomes of its ratings."""

from __future__ import annotations

import json

import pytest

from genesys.records import Finding, Review, SessionEnd
from genesys.testing.llm_server import ChatRequest
from genesys_agents.testing.asked import Asked
from genesys_agents.testing.competent import Competent
from genesys_agents.testing.misdeeds import Answer

from .conftest import Hold, Library

PAST = Finding(source="proposals", title="old: sums", text="Sums of old.", score=0.9)


def reviewer(*answers: str) -> Answer:
    left = list(answers)

    def answer(request: ChatRequest) -> str:
        if Asked.by(request).role != "reviewer":
            return Competent()(request)
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


def verdict(rating: float) -> str:
    return json.dumps({"rating": rating, "critique": "Small.", "suggestions": "Try more."})


def test_past_proposals_are_shown(hold: Hold) -> None:
    held = hold(reviewer(verdict(4)), library=Library(PAST), literature=False)
    assert held.session.end is SessionEnd.ACCEPTED
    assert held.design is not None
    assert held.design.review == Review(rating=4, text="Small.\n\nTry more.")
    told = "\n".join(held.told("reviewer"))
    assert "Past proposals that are most like it" in told
    assert "Sums of old." in told
    held = hold(reviewer(verdict(4)), library=Library(PAST), literature=False, similar=0)
    assert "Sums of old." not in "\n".join(held.told("reviewer"))


@pytest.mark.parametrize("rating", [0, 3.9])
def test_low_ratings_turn_down(hold: Hold, rating: float) -> None:
    held = hold(reviewer(verdict(rating)), literature=False)
    assert held.session.end is SessionEnd.REJECTED_BY_REVIEW
    assert f"rated {rating:g} at best in 2 attempts" in held.session.note


@pytest.mark.parametrize(
    "answer", [verdict(6), verdict(-1), '{"rating": "5/5", "critique": ""}', "5", "5 5 5"]
)
def test_ratings_that_are_none_are_asked_for_again(hold: Hold, answer: str) -> None:
    held = hold(reviewer(answer, verdict(4)), literature=False)
    assert held.session.end is SessionEnd.ACCEPTED
    held = hold(reviewer(answer), literature=False)
    assert held.session.end is SessionEnd.FAILED
    assert "The reviewer gave no usable answer (review) in 3 tries" in held.session.note
