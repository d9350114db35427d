"""What models do wrong costs turns, and never the session."""

from __future__ import annotations

import pytest

from genesys.records import Operator, SessionEnd
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
from genesys_checkers.format import FormatChecker

from .conftest import Hold


@pytest.mark.parametrize(
    ("misdeed", "operator"),
    [
        (garbage, Operator.CROSSOVER),
        (missing_blocks, Operator.MUTATION),
        (wrong_name, Operator.SCRATCH),
        (several_ratings, Operator.MUTATION),
    ],
)
def test_every_second_answer_is_bad(misdeed: Misdeed, operator: Operator, hold: Hold) -> None:
    held = hold(sometimes(Competent(), misdeed, every=2), operator)
    assert (held.session.end, held.session.note) == (SessionEnd.ACCEPTED, "")


@pytest.mark.parametrize("misdeed", [garbage, several_ratings])
def test_an_answer_that_is_always_bad_ends_the_session(misdeed: Misdeed, hold: Hold) -> None:
    held = hold(sometimes(Competent(), misdeed))
    assert held.session.end is not SessionEnd.ACCEPTED
    assert held.design is None


def test_flattery_gets_everything_built(hold: Hold) -> None:
    held = hold(sometimes(Competent(turns_down=1.0, opinion=0.0), flattery))
    assert held.session.end is SessionEnd.ACCEPTED
    assert held.design is not None
    assert held.design.review is not None
    assert held.design.review.rating == 5


def test_what_may_not_be_imported_is_refused(hold: Hold) -> None:
    bad = sometimes(Competent(), forbidden_import)
    held = hold(bad, checkers=[FormatChecker()], attempts=1, unit_attempts=2)
    assert held.session.end is SessionEnd.NOT_IMPLEMENTED
    assert "import subprocess" in held.answers("coder")[0]


def test_a_protected_unit_stays(hold: Hold) -> None:
    held = hold(sometimes(Competent(), rewrites_protected), attempts=1, unit_attempts=2)
    assert held.session.end is SessionEnd.NOT_IMPLEMENTED
    told = [call.messages[-1].text for call in held.calls if call.purpose == "debug"]
    assert "GPT2 is not yours to change" in told[0]


def test_orders_in_answers_reach_the_next_role_as_quotes(hold: Hold) -> None:
    held = hold(sometimes(Competent(), injection), Operator.SCRATCH)
    assert held.session.end is SessionEnd.ACCEPTED
    assert held.design is not None
    assert any(ORDER in unit.code for unit in held.design.units)
