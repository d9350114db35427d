"""The tape of a session: nothing is asked twice."""

import pytest

from genesys.errors import StoreError
from genesys.records import Finding
from genesys.tape import Call, CallEnd, Message, Tape


def call(text="hello", end=CallEnd.ANSWERED, usd=0.0, answer=""):
    messages = [Message(author="user", text=text)]
    return Call(
        session=3,
        role="coder",
        purpose="unit",
        model="m",
        messages=messages,
        end=end,
        usd=usd,
        answer=answer,
    )


def fail():
    raise AssertionError("asked again")


class Kept:
    """A tape's store."""

    def __init__(self):
        self.calls, self.answers = [], []

    def tape(self, live=True):
        return Tape(
            3,
            calls=list(self.calls),
            answers=list(self.answers),
            keep_call=self.calls.append,
            keep_answer=self.answers.append,
            live=live,
        )


def test_an_answer_is_asked_for_once():
    kept = Kept()
    findings = [Finding(source="memory", title="a", text="b", score=0.5)]
    assert kept.tape().answer("search", {"q": 1}, list[Finding], lambda: findings) == findings
    assert kept.tape().answer("search", {"q": 1}, list[Finding], fail) == findings
    assert kept.tape(live=False).answer("search", {"q": 1}, list[Finding], fail) == findings


def test_the_same_question_has_its_answers_in_order():
    kept = Kept()
    answers = iter([1, 2])
    tape = kept.tape()
    assert [tape.answer("n", "?", int, lambda: next(answers)) for _ in range(2)] == [1, 2]
    again = kept.tape()
    assert [again.answer("n", "?", int, fail) for _ in range(2)] == [1, 2]
    assert again.answer("n", "?", int, lambda: 3) == 3


def test_kinds_are_told_apart():
    kept = Kept()
    tape = kept.tape()
    assert [tape.answer(kind, "?", str, lambda k=kind: k) for kind in "ab"] == ["a", "b"]
    assert kept.tape().answer("b", "?", str, fail) == "b"


def test_a_call_is_recalled_by_what_it_asked():
    kept = Kept()
    tape = kept.tape()
    assert tape.recall(call()) is None
    tape.keep(call(end=CallEnd.RETRIED))
    tape.keep(call(answer="first", usd=0.25))
    tape.keep(call(answer="second", usd=0.5))
    assert tape.usd == 0.75
    again = kept.tape()
    assert again.usd == 0.75
    assert again.recall(call("other")) is None
    assert [again.recall(call()).answer for _ in range(2)] == ["first", "second"]
    assert again.recall(call()) is None


def test_a_failed_call_stays_failed():
    kept = Kept()
    kept.tape().keep(call(end=CallEnd.FAILED))
    assert kept.tape().recall(call()).end is CallEnd.FAILED


def test_a_replay_asks_nobody():
    tape = Kept().tape(live=False)
    with pytest.raises(StoreError, match=r"session 3 .* \(coder unit\)"):
        tape.recall(call())
    with pytest.raises(StoreError, match=r"\(check\)"):
        tape.answer("check", 1, int, fail)


def test_nothing_is_given_before_it_is_kept():
    def full(_):
        raise StoreError("disk full")

    tape = Tape(0, keep_call=full, keep_answer=full)
    with pytest.raises(StoreError, match="disk full"):
        tape.answer("n", "?", int, lambda: 1)
    with pytest.raises(StoreError, match="disk full"):
        tape.keep(call())
    assert tape.calls == []
