"""Calls over real HTTP: tries, time, money, fallbacks and the tape."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from genesys.errors import BudgetError, ConfigError
from genesys.population.evolution_tree import EvolutionTree
from genesys.population.purse import Purse
from genesys.records import SessionEnd
from genesys.session import AbandonedError
from genesys.tape import Answer, CallEnd, Message, Tape
from genesys.testing.llm_server import Fault
from genesys_agents.llm.caller import Models
from genesys_agents.llm.errors import CallFailedError, ContextOverflowError
from genesys_agents.llm.settings import LLMSettings

from .conftest import HELLO, MODEL, Setup

Start = Callable[..., Setup]


def test_an_answer_is_kept_with_what_it_took(setup: Start) -> None:
    it = setup()
    assert it.caller.ask("coder", HELLO, "unit", unit="Gate", attempt=2) == "hello 0"
    (call,) = it.kept
    assert (call.role, call.purpose, call.unit, call.attempt) == ("coder", "unit", "Gate", 2)
    assert (call.model, call.messages, call.answer) == (MODEL, HELLO, "hello 0")
    assert (call.input_tokens, call.output_tokens) == (2, 1)
    assert call.usd == pytest.approx((2 * 1.0 + 1 * 4.0) / 1e6)
    assert 0 < call.seconds < 60


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=429),
        Fault(status=500),
        Fault(status=503),
        Fault(cut=40),
        Fault(cut=0),
        Fault(text=""),
        Fault(text=" \n"),
        Fault(text="x" * 100_000),
        Fault(raw=b"\xff\xfe\x00 no json"),
        Fault(raw=b"{}"),
        Fault(raw=b"<html>down for maintenance</html>"),
    ],
    ids=repr,
)
def test_what_may_pass_is_tried_again(setup: Start, fault: Fault) -> None:
    it = setup(fault)
    assert it.caller.ask("coder", HELLO, "unit") == "hello 1"
    assert it.ends() == ["retried", "answered"]
    assert it.kept[0].error


def test_tries_end(setup: Start) -> None:
    it = setup(*[Fault(status=503, error="overloaded")] * 9, attempts=3)
    with pytest.raises(CallFailedError, match="overloaded, in 3 tries"):
        it.caller.ask("coder", HELLO, "unit")
    assert it.ends() == ["retried", "retried", "retried", "failed"]
    assert len(it.server.requests) == 3


def test_a_provider_is_given_the_time_it_asks_for(setup: Start) -> None:
    it = setup(Fault(status=429, headers={"Retry-After": "0.4"}))
    began = time.monotonic()
    it.caller.ask("coder", HELLO, "unit")
    assert time.monotonic() - began > 0.4


def test_a_wait_that_is_too_long_is_not_begun(setup: Start) -> None:
    it = setup(Fault(status=429, headers={"Retry-After": "50"}), call_seconds=5)
    began = time.monotonic()
    with pytest.raises(CallFailedError):
        it.caller.ask("coder", HELLO, "unit")
    assert time.monotonic() - began < 5


def test_a_silent_server_is_left(setup: Start) -> None:
    it = setup(Fault(stall=30), call_seconds=0.5)
    began = time.monotonic()
    with pytest.raises(CallFailedError, match="no answer within"):
        it.caller.ask("coder", HELLO, "unit")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(status=401), "refuses the key"),
        (Fault(status=403), "refuses the key"),
        (Fault(status=404, code="model_not_found"), "knows no model"),
        (Fault(status=429, code="insufficient_quota", error="insufficient_quota"), "no money left"),
    ],
    ids=repr,
)
def test_what_no_call_can_mend_ends_the_run(setup: Start, fault: Fault, message: str) -> None:
    it = setup(fault)
    with pytest.raises(ConfigError, match=message):
        it.caller.ask("coder", HELLO, "unit")
    assert len(it.server.requests) == 1


def test_a_key_is_sent(setup: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-right-one-12345")
    assert setup(key="sk-right-one-12345").caller.ask("coder", HELLO, "unit") == "hello 0"
    with pytest.raises(ConfigError, match="refuses the key"):
        setup(key="sk-another-67890").caller.ask("coder", HELLO, "unit")


def test_a_refusal_is_final(setup: Start) -> None:
    it = setup(Fault(finish="content_filter"))
    with pytest.raises(CallFailedError, match="refused"):
        it.caller.ask("coder", HELLO, "unit")
    assert it.kept[0].usd > 0  # it was paid for


def test_messages_that_are_too_long(setup: Start) -> None:
    error = "This model's maximum context length is 10 tokens"
    it = setup(Fault(status=400, code="context_length_exceeded", error=error))
    with pytest.raises(ContextOverflowError):
        it.caller.ask("coder", HELLO, "unit")
    with pytest.raises(ContextOverflowError):
        it.session(calls=it.kept).ask("coder", HELLO, "unit")
    assert len(it.server.requests) == 1


def test_fallbacks_are_asked_in_turn(setup: Start) -> None:
    prices = {name: {"input_usd": 1, "output_usd": 1} for name in (MODEL, "openai/second")}
    it = setup(*[Fault(status=500)] * 2, attempts=2, fallbacks=["openai/second"], prices=prices)
    assert it.caller.ask("coder", HELLO, "unit") == "hello 2"
    assert [request.model for request in it.server.requests] == ["double", "double", "second"]
    again = it.session(calls=it.kept)
    assert again.ask("coder", HELLO, "unit") == "hello 2"
    assert len(it.server.requests) == 3


def test_nothing_is_paid_twice(setup: Start) -> None:
    it = setup(Fault(status=500))
    other = [Message(author="user", text="Another.")]
    first = [it.caller.ask("coder", m, "unit") for m in (HELLO, other, HELLO)]
    again = it.session(calls=it.kept)
    assert [again.ask("coder", m, "unit") for m in (HELLO, other, HELLO)] == first
    assert len(it.server.requests) == 4
    assert again.ask("coder", HELLO, "unit") == "hello 4"


def test_a_session_stays_below_its_cap(setup: Start) -> None:
    it = setup(session_usd=0.0085)  # an answer costs 0.004 at most
    for _ in range(3):
        it.caller.ask("coder", HELLO, "unit")
    it = setup(session_usd=0.0085, answer=lambda request: "word " * 800)
    it.caller.ask("coder", HELLO, "unit")
    it.caller.ask("coder", HELLO, "unit")
    with pytest.raises(AbandonedError, match="session_usd") as caught:
        it.caller.ask("coder", HELLO, "unit")
    assert caught.value.end is SessionEnd.OVER_BUDGET
    assert it.usd() <= 0.0085
    assert len(it.server.requests) == 2


def test_a_run_stays_below_its_cap_however_many_sessions_it_holds(setup: Start) -> None:
    it = setup(*[Fault(stall=0.3)] * 9, run_usd=0.013, answer=lambda request: "word " * 800)

    def hold(session: int) -> str:
        return it.session(session).ask("coder", HELLO, "unit")

    with ThreadPoolExecutor(8) as pool:
        held = [pool.submit(hold, index) for index in range(8)]
    refused = [future.exception() for future in held if future.exception()]
    assert len(refused) == 5
    assert all(isinstance(error, BudgetError) for error in refused)
    assert it.usd() <= 0.013


def test_tokens_have_a_cap_too(setup: Start) -> None:
    it = setup(run_tokens=2100, answer=lambda request: "word " * 800)  # 1,000 an answer at most
    it.caller.ask("coder", HELLO, "unit")
    with pytest.raises(BudgetError, match=r"may take 1,0\d\d tokens.* budget\.tokens goes on"):
        for _ in range(3):
            it.caller.ask("coder", HELLO, "unit")
    assert it.purse.tokens <= 2100


def test_a_larger_cap_goes_on_where_a_smaller_one_stopped(setup: Start, tmp_path: Path) -> None:
    it = setup(answer=lambda request: "word " * 800)
    conversations = [[Message(author="user", text=f"Unit {number}")] for number in range(4)]

    def hold(run_usd: float) -> list[str]:
        with EvolutionTree(tmp_path, {}, Purse(run_usd)) as tree:
            caller = it.models.session(tree.tape(0), seed=0)
            return [caller.ask("coder", messages, "unit") for messages in conversations]

    with pytest.raises(BudgetError, match=r"larger budget\.usd goes on"):
        hold(0.0085)
    assert len(it.server.requests) == 2
    assert len(hold(1.0)) == 4
    assert len(it.server.requests) == 4


def test_a_session_has_so_much_time(setup: Start) -> None:
    it = setup(Fault(stall=0.3), session_seconds=0.2)
    with pytest.raises(CallFailedError):
        it.caller.ask("coder", HELLO, "unit")
    with pytest.raises(AbandonedError, match="session_seconds"):
        it.caller.ask("coder", HELLO, "unit")


def test_sessions_do_not_wait_for_each_other(setup: Start) -> None:
    it = setup(*[Fault(stall=0.5)] * 20, concurrency=20)
    it.caller.ask("coder", HELLO, "unit")
    began = time.monotonic()
    with ThreadPoolExecutor(19) as pool:
        list(pool.map(lambda i: it.session(i).ask("coder", HELLO, "unit"), range(19)))
    assert time.monotonic() - began < 19 * 0.5 / 2


def test_a_provider_is_not_sent_more_than_it_may(setup: Start) -> None:
    at_once: list[int] = []
    under_way = 0

    def answer(request: Any) -> str:
        nonlocal under_way
        under_way += 1
        at_once.append(under_way)
        time.sleep(0.05)
        under_way -= 1
        return "hello"

    it = setup(concurrency=2, answer=answer)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda i: it.session(i).ask("coder", HELLO, "unit"), range(6)))
    assert max(at_once) <= 2


def test_secrets_are_neither_sent_nor_kept(setup: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    canary = "canary-4f1c9d27"
    monkeypatch.setenv("SOME_API_KEY", canary)
    it = setup(
        Fault(status=500, error=f"key {canary} is tired"), answer=lambda request: f"psst: {canary}"
    )
    asked = [Message(author="user", text=f"My key is {canary}.")]
    assert canary not in it.caller.ask("coder", asked, "unit")
    assert canary not in str(it.server.requests)
    assert canary not in "".join(call.model_dump_json() for call in it.kept)
    assert it.kept[-1].end is CallEnd.ANSWERED


def test_a_replay_asks_neither_a_provider_nor_for_prices(setup: Start) -> None:
    answers: list[Answer] = []
    it = setup()
    tape = Tape(0, keep_call=it.kept.append, keep_answer=answers.append)
    caller = it.models.session(tape, seed=0)
    assert caller.context("coder") is None
    assert not caller.follows_schemas("coder")
    assert caller.ask("coder", HELLO, "unit") == "hello 0"

    nobody: Any = None
    unpriced = LLMSettings.model_validate({"models": MODEL, "max_output_tokens": 1000})
    again = Models(unpriced, nobody).session(Tape(0, it.kept, answers, live=False), seed=0)
    assert again.context("coder") is None
    assert not again.follows_schemas("coder")
    assert again.ask("coder", HELLO, "unit") == "hello 0"
