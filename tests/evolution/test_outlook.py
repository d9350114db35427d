"""The outlook, against figures computed by hand."""

from __future__ import annotations

from math import sqrt
from typing import Any

import pytest

from genesys.evolution.budget import BudgetSettings
from genesys.evolution.outlook import Estimate, Goal, Outlook, outlook
from genesys.evolution.tally import Sample, Tally, entries_of, nearest
from genesys.population.ledger import Entry, EntryKind, JobKind
from genesys.population.population import Population
from genesys.records import (
    Design,
    Operator,
    Outcome,
    Scale,
    Selection,
    Session,
    SessionEnd,
    VerificationReport,
)

SESSION, VERIFICATION = JobKind.SESSION, JobKind.VERIFICATION
SMALL = Scale(name="small", n_block=2, d_model=64, tokens=1000, learning_rate=1e-3, trials=16)
LARGE = Scale(name="large", n_block=4, d_model=128, tokens=2000, learning_rate=1e-3, trials=4)
GOAL = Goal((SMALL, LARGE), designs=8, max_sessions=24)
FREE = BudgetSettings(usd=None)


def design(name: str, operator: Operator = Operator.MUTATION) -> Design:
    return Design(name=name, root="Root", units=[], operator=operator)


def report(name: str, outcome: Outcome = Outcome.OK) -> VerificationReport:
    return VerificationReport(design=name, scale="small", outcome=outcome)


def session(index: int, made: str) -> Session:
    end = SessionEnd.ACCEPTED if made else SessionEnd.NOT_NEW
    selection = Selection(operator=Operator.SCRATCH, designs=[])
    return Session(index=index, seed=0, selection=selection, end=end, design=made)


def entry(kind: str, **known: Any) -> Entry:
    return Entry.model_validate({"time": 0.0, "kind": EntryKind(kind), **known})


# Two seeds, and four sessions with three designs, of which one failed by its own fault.
POPULATION = Population(
    [*(design(n, Operator.SEED) for n in ("s1", "s2")), *map(design, ("a", "b", "c"))],
    [report("s1"), report("s2"), report("a"), report("b", Outcome.DESIGN_ERROR)],
    [session(0, "a"), session(1, "b"), session(2, ""), session(3, "c")],
)
ENTRIES = [
    entry("opened"),
    *(entry("joined", worker=name) for name in ("d-1", "v-1", "v-2")),
    *(
        entry("ended", job=n, work=SESSION, worker="d-1", seconds=100, usd=usd, tokens=usd * 1000)
        for n, usd in enumerate((1, 2, 2, 3))
    ),
    entry("failed", job=4, work=VERIFICATION, worker="v-1", scale="small", seconds=60),
    *(
        entry("ended", job=4 + n, work=VERIFICATION, worker="v-2", scale="small", seconds=seconds)
        for n, seconds in enumerate((60, 60, 120, 120))
    ),
]


def test_what_is_to_come() -> None:
    found = outlook(POPULATION, Tally(ENTRIES), GOAL, FREE, usd=8.0, tokens=8000)
    # Two of four sessions made a design that lasts: 12 sessions for the 6 that are missing.
    assert found.designs == 8
    # They make 9 designs: 14 in all, so 10 more at small; large releases 14 * 4 // 16.
    assert found.verifications == {"small": 14, "large": 3}
    # 12 sessions at 2 USD each.
    assert found.usd is not None
    assert found.usd.value == pytest.approx(8 + 24)
    # Values scatter by 12 * 2/3, their mean by 144 / 4 * 2/3, their number by 12 * 0.5 / 0.5.
    error = 1.96 * sqrt(12 * 2 / 3 + 144 / 4 * 2 / 3 + 12 * 2**2)
    assert found.usd.high == pytest.approx(32 + error)
    assert found.usd.low == pytest.approx(32 - error)
    assert found.tokens is not None
    assert found.tokens.value == pytest.approx(32_000)
    assert found.ends_by == ""


def test_failed_attempts_are_part_of_what_a_verification_takes() -> None:
    found = outlook(POPULATION, Tally(ENTRIES), GOAL, FREE)
    # 420 s so far, 105 s each; large takes 2 * 4 * 2 times as much.
    seconds = 420 + 10 * 105 + 3 * 16 * 105
    assert found.device_hours is not None
    assert found.device_hours.value == pytest.approx(seconds / 3600)
    spread = sqrt(900)  # of 120, 60, 120, 120: the variance is 900
    error = 1.96 * sqrt(10 * (1 + 10 / 4) * 900 + 3 * (1 + 3 / 4) * (16 * spread) ** 2)
    assert found.device_hours.high == pytest.approx((seconds + error) / 3600)


def test_time_is_that_of_the_work_that_takes_longest() -> None:
    verifying = 10 * 105 + 3 * 16 * 105
    found = outlook(POPULATION, Tally(ENTRIES), GOAL, FREE)
    assert found.seconds == pytest.approx(max(12 * 100 / 1, verifying / 2))
    alone = [e.model_copy(update={"worker": "inline"}) for e in ENTRIES if e.job is not None]
    found = outlook(POPULATION, Tally(alone), GOAL, FREE)
    assert found.seconds == pytest.approx(12 * 100 + verifying)
    joined = [*ENTRIES, entry("joined", worker="v-3"), entry("left", worker="v-1")]
    found = outlook(POPULATION, Tally(joined), GOAL, FREE)  # nobody knows yet what v-3 will do
    assert found.seconds == pytest.approx(max(12 * 100 / 2, verifying / 2))


def ended(found: Outlook) -> tuple[str, float]:
    return found.ends_by, found.designs


def test_caps_end_a_run_before_its_goal() -> None:
    tally = Tally(ENTRIES)
    found = outlook(POPULATION, tally, GOAL, BudgetSettings(usd=16.0), usd=8.0)
    assert ended(found) == ("budget.usd", 4)  # 4 more sessions
    assert found.usd is not None
    assert found.usd.value == found.usd.high == 16.0
    found = outlook(POPULATION, tally, GOAL, BudgetSettings(tokens=9000), tokens=8000)
    assert ended(found) == ("budget.tokens", 2.25)
    hours = (420 + (10 * 105 + 3 * 16 * 105) / 2) / 3600
    found = outlook(POPULATION, tally, GOAL, BudgetSettings(device_hours=hours))
    assert ended(found) == ("budget.device_hours", 8)
    assert found.verifications == {"small": pytest.approx(9), "large": pytest.approx(1.5)}
    found = outlook(POPULATION, tally, GOAL, BudgetSettings(usd=50.0), usd=8.0)
    assert found.ends_by == ""


def test_sessions_have_an_end() -> None:
    few = Goal((SMALL, LARGE), designs=8, max_sessions=6)
    assert outlook(POPULATION, Tally(ENTRIES), few, FREE).designs == 3
    done = Goal((SMALL,), designs=2, max_sessions=24)
    found = outlook(POPULATION, Tally(ENTRIES), done, FREE, usd=8.0)
    assert found.usd == Estimate(8.0, 8.0, 8.0)
    assert found.verifications == {"small": 5}


def test_what_is_not_known_is_none() -> None:
    found = outlook(Population(POPULATION.seeds), Tally(), GOAL, FREE)
    assert (found.usd, found.tokens, found.device_hours, found.seconds) == (None,) * 4
    assert found.designs == 8
    once = Tally([e for e in ENTRIES if e.job in (None, 0, 4)])
    found = outlook(POPULATION, once, GOAL, FREE, usd=1.0)
    assert found.usd == Estimate(13.0)  # one value has no spread


def test_a_run_without_a_ledger_has_its_population() -> None:
    tally = Tally(entries_of(POPULATION))
    assert tally.designing.n == 4
    assert tally.verifications["small"].n == 4
    assert nearest(tally.verifying, "huge", GOAL.scales) is None


def test_samples_give_means_and_deviations() -> None:
    sample = Sample()
    assert (sample.mean, sample.deviation) == (0.0, 0.0)
    for value in (2.0, 4.0, 9.0):
        sample.add(value)
    assert sample.mean == 5.0
    assert sample.deviation == pytest.approx(sqrt(13.0))


def test_what_is_under_way_is_what_has_not_ended() -> None:
    entries = [entry("begun", job=n, work=SESSION, session=n) for n in (0, 1)]
    tally = Tally(entries)
    entries.append(entry("ended", job=0, work=SESSION, worker="a"))
    tally.catch_up()
    assert list(tally.under_way) == [1]
    assert tally.workers == {"a": {SESSION}}
