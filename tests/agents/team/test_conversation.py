"""Conversations with a real server on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys.tape import Message
from genesys.testing.llm_server import Fault
from genesys_agents.llm.errors import ContextOverflowError
from genesys_agents.team.answers import Form, read_form
from genesys_agents.team.conversation import Conversation, UnusableAnswerError, fitted

from ..llm.conftest import Setup, setup

__all__ = ["setup"]

Start = Callable[..., Setup]


class Verdict(Form):
    rating: float


def read(text: str) -> Any:
    return read_form(text, Verdict)


def answers(*texts: str) -> Callable[[Any], str]:
    given: Iterator[str] = iter(texts)
    return lambda request: next(given)


def test_an_answer_is_read(setup: Start) -> None:
    it = setup(answer=answers('{"rating": 3}'))
    talk = Conversation(it.caller, "reviewer", "You review.")
    assert talk.ask("Rate it.", read, "review", form=Verdict) == Verdict(rating=3)
    sent = it.server.requests[0].messages
    assert [(m["role"], m["content"]) for m in sent] == [
        ("system", "You review."),
        ("user", "Rate it."),
    ]


def test_what_is_missing_is_asked_for(setup: Start) -> None:
    it = setup(answer=answers("Four, I think.", '{"rating": 4}'))
    talk = Conversation(it.caller, "reviewer", "You review.")
    assert talk.ask("Rate it.", read, "review").rating == 4
    last = it.server.requests[1].messages
    assert [m["role"] for m in last] == ["system", "user", "assistant", "user"]
    assert "no JSON object with rating" in last[-1]["content"]


def test_an_answer_that_is_cut_off_is_asked_for_again(setup: Start) -> None:
    it = setup(Fault(finish="length"), answer=lambda request: '{"rating": 4}')
    talk = Conversation(it.caller, "reviewer", "You review.")
    assert talk.ask("Rate it.", read, "review").rating == 4
    asked = it.server.requests[1].messages
    assert "cut off" in asked[-2]["content"]
    assert "fewer words" in asked[-1]["content"]


def test_asking_ends(setup: Start) -> None:
    it = setup(answer=lambda request: "Four.")
    talk = Conversation(it.caller, "reviewer", "You review.", reasks=1)
    with pytest.raises(
        UnusableAnswerError, match=r"reviewer .* \(review\) in 2 tries: there is no"
    ):
        talk.ask("Rate it.", read, "review")
    assert len(it.server.requests) == 2


def test_what_is_said_grows_at_its_end_only(setup: Start) -> None:
    it = setup(answer=lambda request: '{"rating": 1}')
    talk = Conversation(it.caller, "reviewer", "You review.")
    for number in range(3):
        talk.ask(f"Rate {number}.", read, "review")
    first, second, third = (request.messages for request in it.server.requests)
    assert third[: len(second)] == second
    assert second[: len(first)] == first


def test_a_conversation_that_is_too_long_is_shortened(setup: Start) -> None:
    long = Fault(status=400, code="context_length_exceeded", error="maximum context length is 10")
    it = setup(None, long, answer=lambda request: '{"rating": 1}')
    talk = Conversation(it.caller, "reviewer", "You review.")
    talk.ask("a" * 50_000, read, "review")
    talk.ask("b" * 50_000, read, "review")
    sent = it.server.requests[2].messages
    assert sum(len(m["content"]) for m in sent) < 60_000
    assert any("are left out here" in m["content"] for m in sent)


def test_a_prompt_that_never_fits_is_given_up(setup: Start) -> None:
    long = Fault(status=400, code="context_length_exceeded", error="maximum context length is 10")
    it = setup(*[long] * 9)
    with pytest.raises(ContextOverflowError):
        Conversation(it.caller, "reviewer", "You review.").ask("a" * 50_000, read, "review")
    assert len(it.server.requests) == 4


@given(
    st.lists(st.text(alphabet="ab", max_size=9000), min_size=1, max_size=9), st.integers(0, 20_000)
)
def test_fitting(texts: list[str], most: int) -> None:
    messages = [Message(author="user", text=text) for text in texts]
    kept = fitted(messages, most)
    assert fitted(messages, None) == messages
    assert len(kept) <= len(messages)
    if sum(map(len, texts)) <= most:
        assert kept == messages
    assert sum(len(m.text) for m in kept) <= max(most, 2_100 * len(kept))
    assert kept[0].text[:1] == texts[0][:1]
    assert kept[-1].text.endswith(texts[-1][-1:])
