"""Unit by unit: what is planned, judged, put back, tried again and given up."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from genesys.gau.unit import MARKER
from genesys.markers import hookimpl
from genesys.records import (
    CheckReport,
    CheckResult,
    Design,
    Finding,
    Issue,
    Operator,
    Repair,
    SessionEnd,
)
from genesys.testing.llm_server import ChatRequest
from genesys_agents.testing.asked import Asked
from genesys_agents.testing.competent import Competent
from genesys_agents.testing.misdeeds import Answer

from .conftest import Hold, Library

UNIT = """```python
{marker}
from genesys.gau import GAUBase, UnitDecl, gau_test


class {name}(GAUBase):
    '''Adds {number}.'''

    def _forward(self, X, **Z):
        return X + {number}


CHILDREN_DECLARATIONS = [{children}]
```"""


def unit(name: str, *children: str, number: int = 0) -> str:
    declared = ", ".join(
        f'UnitDecl(unitname="{child}", requirements="{child} is fast.")' for child in children
    )
    return UNIT.format(marker=MARKER, name=name, children=declared, number=number)


def coder(*answers: str, otherwise: Answer | None = None) -> Answer:
    """A model whose coder gives these answers, the last of them again and again."""
    left, rest = list(answers), otherwise or Competent()

    def answer(request: ChatRequest) -> str:
        if Asked.by(request).role != "coder":
            return rest(request)
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


class Checker:
    """Finds fault with units of some code, and mends others."""

    def __init__(self, faulty: str = "", check: str = "forward", mends: str = "") -> None:
        self._faulty, self._check, self._mends = faulty, check, mends
        self.seen: list[Design] = []

    @hookimpl
    def check(self, design: Design) -> CheckReport:
        self.seen.append(design)
        bad = [u.name for u in design.units if self._faulty and self._faulty in u.code]
        issues = [Issue(check=self._check, unit=name, message="it is slow") for name in bad]
        repairs = [
            Repair(unit=u.name, code=u.code + "\n# mended\n", diff="", reason="it was ill")
            for u in design.units
            if self._mends and self._mends in u.code and "# mended" not in u.code
        ]
        result = CheckResult(check=self._check, passed=not bad, seconds=0.0)
        return CheckReport(results=[result], issues=issues, repairs=repairs)


def scratch(hold: Hold, *answers: str, checker: Any = None, **settings: Any) -> Any:
    return hold(
        coder(*answers),
        Operator.SCRATCH,
        checkers=(checker or Checker(),),
        **{"searches": 0, "attempts": 2, "unit_attempts": 2} | settings,
    )


def names(design: Design) -> list[str]:
    return [unit.name for unit in design.units]


def test_children_are_written_later_or_with_their_caller(hold: Hold) -> None:
    checker = Checker()
    held = scratch(
        hold,
        unit("Root", "Left", "Right"),
        unit("Left", "Deep") + "\n\n" + unit("Deep"),
        unit("Right"),
        checker=checker,
    )
    assert held.session.end is SessionEnd.ACCEPTED
    assert names(held.design) == ["Root", "Left", "Deep", "Right"]
    assert [attempt.unit for attempt in held.tries] == ["", "Left", "Right"]
    # Each time the whole was checked, with stubs for what is missing.
    assert [set(names(design)) for design in checker.seen][:2] == [
        {"Root", "Left", "Right"},
        {"Root", "Left", "Deep", "Right"},
    ]
    assert "Stands for a unit" in checker.seen[0].units[1].code
    assert "Still to write: root." in held.told("planner")[1]
    told = "\n".join(held.told("coder"))
    assert "Left is fast." in told
    assert "The planner's key points" in told


def test_the_planner_picks_the_next_unit(hold: Hold) -> None:
    def picks(request: ChatRequest) -> str:
        asked = Asked.by(request)
        if asked.role == "planner":
            return json.dumps({"unit": asked.open_units[-1], "plan": "Mind the edges."})
        return Competent()(request)

    answers = coder(unit("Root", "Left", "Right"), unit("Right"), unit("Left"), otherwise=picks)
    held = hold(answers, Operator.SCRATCH, checkers=(Checker(),), searches=0)
    assert [attempt.unit for attempt in held.tries] == ["", "Right", "Left"]
    held = scratch(hold, unit("Root", "A", "B"), unit("A"), unit("B"), planner=False)
    assert [attempt.unit for attempt in held.tries] == ["", "A", "B"]
    assert "planner plan" not in held.asked


def test_a_failure_leaves_the_last_good_state(hold: Hold) -> None:
    checker = Checker(faulty="X + 7")
    held = scratch(
        hold, unit("Root", "Left"), unit("Left", number=7), unit("Left"), checker=checker
    )
    assert held.session.end is SessionEnd.ACCEPTED
    assert [(a.unit, a.number, a.accepted) for a in held.tries] == [
        ("", 1, True),
        ("Left", 1, False),
        ("Left", 2, True),
    ]
    assert "it is slow" in held.tries[1].reason
    assert any("Left did not pass" in text and "it is slow" in text for text in held.told("coder"))
    assert "coder debug" in held.asked


def test_a_proposal_is_given_up_after_its_attempts(hold: Hold) -> None:
    held = scratch(hold, unit("Root", number=7), checker=Checker(faulty="X + 7"))
    assert held.session.end is SessionEnd.NOT_IMPLEMENTED
    assert "given up after 2 attempts: the root did not pass in 2 attempts" in held.session.note
    assert "it is slow" in held.session.note
    assert held.asked.count("coder unit") == 2
    assert held.asked.count("coder debug") == 2
    assert any("This is attempt 2" in text for text in held.told("coder"))


def test_a_part_need_not_learn_the_whole_must(hold: Hold) -> None:
    answers = (unit("Root", "Left"), unit("Left"))
    checker = Checker(faulty="X * self.scale", check="effectiveness")
    assert scratch(hold, *answers, checker=checker).session.end is SessionEnd.ACCEPTED
    checker = Checker(faulty="class Root", check="effectiveness")
    held = scratch(hold, *answers, checker=checker, attempts=1)
    assert held.session.end is SessionEnd.NOT_IMPLEMENTED
    assert [attempt.accepted for attempt in held.tries] == [True, False, False]


def test_repairs_of_the_checkers_are_taken_over(hold: Hold) -> None:
    checker = Checker(mends="class Left")
    held = scratch(
        hold, unit("Root", "Left", "Right"), unit("Left"), unit("Right"), checker=checker
    )
    assert held.session.end is SessionEnd.ACCEPTED
    assert "# mended" in checker.seen[-1].units[1].code
    assert "# mended" in held.design.units[1].code


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("Here you are.", "there is no ```python block"),
        (unit("Other"), "there is no class Left, but Other"),
        (unit("Left") + "\n" + unit("Left", number=2), "Left is written twice"),
        (unit("Left") + "\n" + unit("Root", number=5), "Root is written and accepted"),
        (unit("Left") + "\n" + unit("Stray"), "no unit calls Stray"),
        (unit("Left", "Root"), "circle"),
        ("```python\nclass Left(GAUBase\n```", "syntax error"),
        (f"```python\nx = {'(' * 5000}\n```", ""),
        ("```python\n\x00\ud83d\n```".encode("utf-8", "replace").decode(), ""),
    ],
    ids=["prose", "name", "twice", "frozen", "stray", "circle", "syntax", "deep", "bytes"],
)
def test_answers_that_are_no_unit(hold: Hold, answer: str, told: str) -> None:
    held = scratch(hold, unit("Root", "Left"), answer, unit("Left"), attempts=1, unit_attempts=3)
    assert held.session.end is SessionEnd.ACCEPTED
    assert names(held.design) == ["Root", "Left"]
    assert told in "\n".join(held.told("coder"))


def test_the_observer_decides_too(hold: Hold) -> None:
    def strict(opinions: list[float]) -> Callable[[ChatRequest], str]:
        def answer(request: ChatRequest) -> str:
            if Asked.by(request).role != "observer":
                return Competent()(request)
            return json.dumps({"rating": opinions.pop(0), "feedback": "Not ```new``` enough."})

        return answer

    answers = coder(unit("Root"), unit("Root", number=1), otherwise=strict([2.9, 3.0]))
    found = Finding(source="units", title="Root of old", text="Adds nothing.", score=0.9)
    other = Finding(source="papers", title="Sums", text="On sums.", score=0.9)
    held = hold(
        answers, Operator.SCRATCH, checkers=(Checker(),), library=Library(found, other), searches=0
    )
    assert held.session.end is SessionEnd.ACCEPTED
    assert [attempt.rating for attempt in held.tries] == [2.9, 3.0]
    assert any("2.9 of 5:\n\n````\nNot ```new``` enough." in text for text in held.told("coder"))
    told = "\n".join(held.told("observer"))
    assert "Adds nothing." in told
    assert "On sums." not in told
    assert "3 and more keeps the unit" in told
    held = hold(coder(unit("Root")), Operator.SCRATCH, checkers=(Checker(),), observer=False)
    assert held.session.end is SessionEnd.ACCEPTED
    assert "observer observation" not in held.asked


def test_a_crossover_reuses_units_of_each_parent(hold: Hold) -> None:
    held = hold(
        coder(unit("Root", "Mine"), unit("Mine")),
        Operator.CROSSOVER,
        checkers=(Checker(),),
        searches=0,
        attempts=1,
        unit_attempts=2,
    )
    assert held.session.end is SessionEnd.NOT_IMPLEMENTED
    assert "A crossover reuses units of its parents" in held.session.note
    held = hold(
        coder(unit("Root", "GatedMLP", "MultiScaleRetention")),
        Operator.CROSSOVER,
        checkers=(Checker(),),
        searches=0,
        attempts=1,
    )
    assert held.session.end is SessionEnd.ACCEPTED, held.session.note


def test_all_units_in_one_answer(hold: Hold) -> None:
    held = scratch(
        hold, unit("Root", "Left"), unit("Root", "Left") + "\n" + unit("Left"), units=False
    )
    assert held.session.end is SessionEnd.ACCEPTED
    assert "All units must be in one answer; missing: Left" in held.tries[0].reason
    assert any("Write the whole design" in text for text in held.told("coder"))


@pytest.mark.parametrize("operator", [Operator.MUTATION, Operator.SCRATCH])
def test_direct_is_a_single_prompt(hold: Hold, operator: Operator) -> None:
    held = hold(operator=operator, direct=True)
    assert held.session.end is SessionEnd.ACCEPTED, held.session.note
    assert held.asked == ["proposer proposal", "reviewer review", "coder unit"]
    held = hold(coder(unit("Root", "Left")), operator, direct=True)
    assert held.session.end is SessionEnd.NOT_IMPLEMENTED
    assert held.asked == ["proposer proposal", "reviewer review", "coder unit"]
    held = hold(
        coder(unit("Root", number=7)), Operator.SCRATCH, [], (Checker("X + 7"),), direct=True
    )
    assert held.session.end is SessionEnd.REJECTED_BY_CHECKER


def test_without_checks_the_whole_is_checked_in_the_end(hold: Hold) -> None:
    checker = Checker(faulty="X + 7")
    held = scratch(hold, unit("Root", number=7), checker=checker, checks=False)
    assert held.session.end is SessionEnd.REJECTED_BY_CHECKER
    assert len(checker.seen) == 1
