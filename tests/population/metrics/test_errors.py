"""Error rates by stage, worked out by hand."""

from __future__ import annotations

from genesys.population.metrics.errors import error_rate, errors
from genesys.population.metrics.tables import (
    DESIGNS,
    REJECTIONS,
    SCORES,
    SESSIONS,
    VERIFICATIONS,
    Tables,
    table,
)

ENDS = ["accepted"] * 5 + ["rejected_by_review", "rejected_by_checker", "rejected_by_checker"]
ENDS += ["not_new", "failed"]
REJECTED = [
    {"session": 6, "group": "format", "error": "syntax"},
    {"session": 6, "group": "function", "error": "shape"},
    {"session": 6, "group": "function", "error": "causality"},
    {"session": 7, "group": "function", "error": "shape"},
]


def verification(design, outcome="ok", stage=None):
    return {"design": design, "scale": "s", "outcome": outcome, "stage": stage}


VERIFIED = [
    verification("seed", "design_error", "training"),  # seeds do not count
    verification("a"),
    verification("a", "design_error", "evaluation"),
    verification("b", "design_error", "training"),
    verification("b", "design_error", "tuning"),  # once a design, by its first
    verification("c"),
    verification("d"),
    verification("e", "machine_error", "training"),
]


def tables(ends=ENDS, rejected=REJECTED, verified=VERIFIED):
    return Tables(
        designs=table([{"name": "seed", "seed": True}], DESIGNS),
        scores=SCORES.empty_table(),
        sessions=table([{"session": i, "end": end} for i, end in enumerate(ends)], SESSIONS),
        rejections=table(rejected, REJECTIONS),
        verifications=table(verified, VERIFICATIONS),
    )


def test_by_stage():
    rows = errors(tables()).to_pylist()
    found = {(r["stage"], r["group"], r["error"]): (r["count"], r["of"], r["share"]) for r in rows}
    assert found == {
        ("implementation", "end", "rejected by checker"): (2, 10, 0.2),
        ("proposal", "end", "rejected by review"): (1, 10, 0.1),
        ("implementation", "end", "not new"): (1, 10, 0.1),
        ("session", "end", "failed"): (1, 10, 0.1),
        ("implementation", "format", "all"): (1, 2, 0.5),
        ("implementation", "format", "syntax"): (1, 2, 0.5),
        ("implementation", "function", "all"): (2, 2, 1.0),
        ("implementation", "function", "shape"): (2, 2, 1.0),
        ("implementation", "function", "causality"): (1, 2, 0.5),
        ("verification", "outcome", "design error"): (2, 4, 0.5),
        ("verification", "step", "evaluation"): (1, 2, 0.5),
        ("verification", "step", "training"): (1, 2, 0.5),
        ("verification", "outcome", "machine error"): (1, 8, 0.125),
    }


def test_nothing_tried_is_no_rate():
    empty = tables([], [], [])
    assert errors(empty).num_rows == 0
    assert error_rate(empty.verifications, set()) is None
    only_seed = tables(verified=VERIFIED[:1])
    assert error_rate(only_seed.verifications, {"seed"}) is None
    assert "verification" not in errors(only_seed)["stage"].to_pylist()
