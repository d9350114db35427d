"""The pipeline as it was measured: equations 2 and 3 out of attempts and presence."""

from __future__ import annotations

import pytest

from genesys.population.metrics.pipeline import as_figures, pace, pipeline
from genesys.population.metrics.tables import (
    ATTEMPTS,
    DESIGNS,
    PRESENCE,
    SCORES,
    SESSIONS,
    VERIFICATIONS,
    Tables,
    table,
)
from genesys.population.metrics.work import scales, workers


def session(worker, began, ended, outcome="accepted"):
    return attempt(worker, "session", began, ended, outcome)


def attempt(worker, work, began, ended, outcome="ok", scale="s"):
    return {
        "worker": worker,
        "work": work,
        "scale": scale if work == "verification" else "",
        "outcome": outcome,
        "counts": outcome != "lost",
        "seconds": ended - began,
        "began": began,
        "ended": ended,
    }


def tables(attempts=(), presence=(), designs=(), sessions=(), verifications=()):
    return Tables(
        designs=table(designs, DESIGNS),
        scores=SCORES.empty_table(),
        verifications=table(verifications, VERIFICATIONS),
        sessions=table(sessions, SESSIONS),
        attempts=table(attempts, ATTEMPTS),
        presence=table(presence, PRESENCE),
    )


def there(worker, joined, left):
    return {"worker": worker, "joined": joined, "left": left}


def verification(design, scale="s", outcome="ok", seconds=1.0):
    return {"design": design, "scale": scale, "outcome": outcome, "seconds": seconds}


# Two hours: one designer, one verifier, and from the second hour on another verifier. Three
# sessions make two designs; a seed and these are verified, one of them at a second scale.
RUN = tables(
    attempts=[
        session("d", 0, 1800),
        attempt("v1", "verification", 0, 900),
        session("d", 1800, 3000, "rejected_by_checker"),
        attempt("v1", "verification", 1800, 3600),
        session("d", 3600, 6600),
        attempt("v2", "verification", 3600, 4500, "lost", "m"),
        attempt("v1", "verification", 3600, 7200, scale="m"),
        attempt("v2", "verification", 6600, 7200, "design_error"),
    ],
    presence=[there("d", 0, 7200), there("v1", 0, 7200), there("v2", 3600, 7200)],
    designs=[{"name": "seed", "seed": True}, {"name": "a"}, {"name": "b"}],
    sessions=[
        {"session": 0, "end": "accepted", "design": "a"},
        {"session": 1, "end": "rejected_by_checker"},
        {"session": 2, "end": "accepted", "design": "b"},
    ],
    verifications=[
        verification("seed", seconds=900),
        verification("a", seconds=1800),
        verification("a", "m", "machine_error", seconds=100),
        verification("a", "m", seconds=3600),
        verification("b", outcome="design_error", seconds=600),
        verification("b", "m", seconds=3600),
        verification("b", "l", "design_error", seconds=30),
    ],
)


def test_by_hand():
    found = pipeline(RUN)
    assert (found.hours, found.designers, found.verifiers, found.ratio) == (2, 1, 1.5, 1.5)
    assert found.design_seconds == (1800 + 1200 + 3000) / 2
    verifying = 900 + 1800 + 900 + 3600 + 600
    assert found.verification_seconds == verifying / 3
    assert found.verification_errors == 0.5
    assert found.best_ratio == pytest.approx((verifying / 3) / (3000 / 0.5))
    assert found.possible_per_hour == pytest.approx(3600 * min(1 / 3000, 1.5 / (verifying / 3)))
    assert found.verified_per_hour == 1.0  # the seed was not made here
    assert found.designing == pytest.approx(6000 / 7200)
    assert found.verifying == pytest.approx(verifying / 10800)
    assert found.utilisation == pytest.approx((6000 + verifying) / 18000)


def test_over_time():
    first, second = pace(RUN, windows=2).to_pylist()
    assert (first["from_hour"], first["to_hour"], second["to_hour"]) == (0, 1, 2)
    assert (first["designers"], first["verifiers"], first["ratio"]) == (1, 1, 1)
    assert (second["designers"], second["verifiers"], second["ratio"]) == (1, 2, 2)
    assert (first["designing"], second["designing"]) == (3000 / 3600, 3000 / 3600)
    assert (first["verifying"], second["verifying"]) == (2700 / 3600, (3600 + 900 + 600) / 7200)
    assert (first["designs"], second["designs"]) == (1, 1)
    assert (first["verified"], second["verified"]) == (2, 1)


def test_the_papers_ratio_from_what_was_measured():
    # App. E.4.2: 20 minutes a design, 8.61% errors in verification, 566 s of training and 30% more.
    number, wrong = 10_000, 861
    names = [f"d{i}" for i in range(number)]
    found = pipeline(
        tables(
            attempts=[
                session("d", 0, 20 * 60 * number),
                attempt("v", "verification", 0, 1.3 * 566 * number),
            ],
            designs=[{"name": name, "seed": False} for name in names],
            sessions=[{"session": i, "end": "accepted"} for i in range(number)],
            verifications=[
                verification(name, outcome="design_error" if i < wrong else "ok")
                for i, name in enumerate(names)
            ],
        )
    )
    assert found.verification_errors == pytest.approx(0.0861)
    assert found.design_seconds / (1 - found.verification_errors) / 60 == pytest.approx(
        21.9, abs=0.05
    )
    assert found.best_ratio == pytest.approx(0.56, abs=0.005)


def test_without_a_ledger_the_times_are_known_and_the_workers_are_not():
    found = pipeline(tables(RUN.attempts.drop(["worker", "began", "ended"]).to_pylist()))
    assert found.design_seconds is None  # no session is known to have made a design
    assert found.hours is found.utilisation is found.possible_per_hour is None
    assert pace(tables(RUN.attempts.to_pylist())).num_rows == 0


def test_an_empty_run_is_not_known():
    assert set(as_figures(pipeline(tables())).values()) == {None}
    assert [f(tables()).num_rows for f in (pace, workers, scales)] == [0, 0, 0]


def test_when_every_design_fails_there_is_no_best_ratio():
    failed = tables(
        attempts=[session("d", 0, 60), attempt("v", "verification", 60, 70, "design_error")],
        designs=[{"name": "a", "seed": False}],
        sessions=[{"session": 0, "end": "accepted", "design": "a"}],
        verifications=[verification("a", outcome="design_error")],
    )
    assert (pipeline(failed).verification_errors, pipeline(failed).best_ratio) == (1.0, None)
    assert scales(failed)["median"].to_pylist() == [None]
