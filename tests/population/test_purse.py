"""The purse: caps on what calls may cost, whoever makes them."""

from __future__ import annotations

import pytest

from genesys.errors import BudgetError
from genesys.population.purse import Purse
from genesys.tape import Call, Tape


def test_what_is_under_way_counts_until_it_is_released() -> None:
    purse = Purse(usd=1.0)
    first = purse.reserve(0.6, 100)
    with pytest.raises(BudgetError, match=r"may cost 0.5000 USD, and 0.6000 of the run's 1 are"):
        purse.reserve(0.5, 100)
    purse.release(first)
    purse.release(first)
    assert purse.reserve(1.0, 100) != first


def test_tokens_in_and_out_have_a_cap_of_their_own() -> None:
    purse = Purse(tokens=1000)
    purse.pay(
        Call(session=0, role="coder", purpose="unit", model="m", messages=[], input_tokens=300)
    )
    purse.spend(2.5, 200)
    assert (purse.usd, purse.tokens) == (2.5, 500)
    purse.reserve(99.0, 500)
    with pytest.raises(BudgetError, match=r"1 tokens, and 1,000 of .* 1,000 .*budget\.tokens"):
        purse.reserve(0.0, 1)


def test_a_cap_of_nothing_lets_pass_what_costs_nothing() -> None:
    purse = Purse(usd=0.0)
    purse.reserve(0.0, 10)
    with pytest.raises(BudgetError):
        purse.reserve(0.01, 10)


def test_a_call_that_is_kept_counts_once() -> None:
    purse = Purse(usd=1.0)
    tape = Tape(0, keep_call=purse.pay, reserve=purse.reserve, release=purse.release)
    with tape.setting_aside(0.6, 0):
        paid = Call(session=0, role="coder", purpose="unit", model="m", messages=[], usd=0.5)
        tape.keep(paid)
        with tape.setting_aside(0.5, 0), pytest.raises(BudgetError):
            tape.reserve(0.01, 0)


def test_a_tape_that_is_closed_gives_back_all_it_set_aside() -> None:
    purse = Purse(usd=1.0)
    tape = Tape(0, reserve=purse.reserve, release=purse.release)
    tape.reserve(0.5, 1)
    with tape.setting_aside(0.5, 1), pytest.raises(BudgetError):
        tape.reserve(0.5, 1)
    tape.close()
    purse.reserve(1.0, 1)
