"""Why a design is here, from the ledger and the tree."""

from __future__ import annotations

from typing import Any

import pytest

from genesys.errors import UnknownNameError
from genesys.evolution.ladder import Ladder
from genesys.evolution.provenance import Attempt, provenance
from genesys.evolution.release import Halving
from genesys.population.ledger import Entry, EntryKind, JobKind
from genesys.population.population import Population
from genesys.records import (
    Design,
    Operator,
    Outcome,
    Scale,
    Score,
    Selection,
    Session,
    SessionEnd,
    VerificationReport,
)

SCALES = [
    Scale(name=name, n_block=2, d_model=64, tokens=1000, learning_rate=1e-3, trials=trials)
    for name, trials in (("small", 8), ("large", 2))
]
LADDER = Ladder(SCALES)


def design(name: str, operator: Operator = Operator.MUTATION) -> Design:
    return Design(name=name, root="Root", units=[], operator=operator, parents=["seed"])


def report(name: str, scale: str = "small", value: float = 0.5, **known: Any) -> VerificationReport:
    score = Score(task="t", metric="acc", value=value)
    return VerificationReport(design=name, scale=scale, scores=[score], seconds=7.0, **known)


def session(index: int, made: str, **known: Any) -> Session:
    end = SessionEnd.ACCEPTED if made else SessionEnd.NOT_NEW
    selection = Selection(operator=Operator.MUTATION, designs=["seed"], why="drawn so")
    return Session(index=index, seed=0, selection=selection, end=end, design=made, **known)


def population(*reports: VerificationReport) -> Population:
    designs = [design("seed", Operator.SEED), *map(design, "abc")]
    made = [session(0, "a"), session(1, ""), session(2, "b", seconds=3.0), session(3, "c")]
    return Population(designs, [report("seed"), *reports], made)


def entry(kind: str, job: int, **known: Any) -> Entry:
    return Entry.model_validate({"time": 0.0, "kind": EntryKind(kind), "job": job, **known})


VERIFIED = {"work": JobKind.VERIFICATION, "design": "b", "scale": "small"}
LEDGER = [
    entry("begun", 0, work=JobKind.SESSION, session=2, why="for the seed was due"),
    entry("failed", 0, worker="w-1", outcome="lost", why="It was silent.", seconds=9),
    entry("ended", 0, worker="w-2", outcome="accepted", seconds=3),
    entry("begun", 1, **VERIFIED, why="exploits"),
    entry("ended", 1, **VERIFIED, worker="w-3", outcome="ok", seconds=7),
]


def test_who_made_and_verified_it_and_why() -> None:
    found = provenance(population(report("b")), LEDGER, LADDER, "b")
    assert found.ledger
    assert found.made is not None
    assert (found.made.job, found.made.session) == (0, 2)
    assert found.made.why == "for the seed was due"
    assert [attempt.outcome for attempt in found.made.attempts] == ["lost", "accepted"]
    assert found.made.attempts[0] == Attempt(
        worker="w-1", outcome="lost", why="It was silent.", seconds=9
    )
    assert found.before == ["a", "not_new"]
    assert [(step.job, step.scale, step.why) for step in found.verified] == [
        (1, "small", "exploits")
    ]


def test_a_run_without_a_ledger_says_what_its_tree_knows() -> None:
    found = provenance(population(report("b")), [], LADDER, "b")
    assert not found.ledger
    assert found.made is not None
    assert (found.made.job, found.made.why) == (None, "drawn so")
    assert found.made.attempts == [Attempt(outcome="accepted", seconds=3.0)]
    assert [(step.job, step.scale) for step in found.verified] == [(None, "small")]


def test_a_seed_was_made_by_nobody() -> None:
    found = provenance(population(), LEDGER, LADDER, "seed")
    assert found.made is None
    assert found.before == []


def test_an_unknown_design() -> None:
    with pytest.raises(UnknownNameError, match="'nobody'"):
        provenance(population(), LEDGER, LADDER, "nobody")


def ahead(
    reports: list[VerificationReport], name: str = "b", ladder: Ladder = LADDER, *entries: Entry
) -> str:
    return provenance(population(*reports), entries, ladder, name).ahead


def test_what_keeps_it_from_the_next_rung() -> None:
    few = [report("b"), report("a")]  # three of eight, the seed's included
    assert ahead(few) == (
        "not promoted to large yet: none of its 2 trials is released; the next after 1 more at "
        "small"
    )
    four = [*few, report("c")]
    assert ahead(four) == "not picked for large yet: 1 of its 2 trials are open"
    assert ahead(four, "seed").endswith("are open, of which seeds have a share only")
    spent = [*four, report("a", "large")]
    assert ahead(spent) == (
        "not promoted to large yet: 1 of its 2 trials are released, and spent; the next after 4 "
        "more at small"
    )
    assert ahead(spent, "a") == "verified on every rung"


def test_a_design_under_way_failed_or_out_of_budget() -> None:
    begun = entry("begun", 5, **VERIFIED)
    assert ahead([], "b", LADDER, begun) == "under way at small"
    failed = [report("b", outcome=Outcome.DESIGN_ERROR)]
    assert ahead(failed) == "failed at small by its own fault: it climbs and breeds no more"
    tiny = Ladder([SCALES[0].model_copy(update={"trials": 1})])
    assert ahead([], "b", tiny) == "not verified at small: all its 1 trials are spent"


def test_a_design_that_is_not_among_the_best() -> None:
    halving = Ladder(SCALES, Halving())
    reports = [report("a", value=0.9), report("b", value=0.1), report("c", value=0.5)]
    assert ahead(reports, "b", halving) == (
        "not promoted to large: not among the best at small so far"
    )
    assert ahead(reports, "a", halving).startswith("not picked for large yet")
