"""Cost-effectiveness by role and by model, worked out by hand."""

from __future__ import annotations

import pytest

from genesys.population.metrics.costs import costs
from genesys.population.metrics.tables import CALLS, DESIGNS, gain, table


def call(session, design, role, model, usd):
    row = {"session": session, "design": design, "role": role, "model": model, "usd": usd}
    return row | {"calls": 2, "input_tokens": 100, "output_tokens": 10}


DESIGN_ROWS = [
    {"name": "seed", "seed": True, "fitness": 0.4},
    {"name": "good", "seed": False, "fitness": 0.6, "gain": 0.2, "rating": 5.0},
    {"name": "bad", "seed": False, "fitness": 0.3, "gain": -0.1, "rating": 4.0},
    {"name": "new", "seed": False, "rating": 4.5},
]
CALL_ROWS = [
    call(0, "good", "proposer", "large", 3.0),
    call(0, "good", "coder", "small", 1.0),
    call(1, "bad", "proposer", "small", 0.5),
    call(1, "bad", "coder", "small", 1.5),
    call(2, None, "proposer", "large", 1.0),  # given up before there was code
    call(3, "new", "proposer", "small", 0.5),
    call(3, "new", "coder", "large", 2.5),
]


def by(kind, rows=CALL_ROWS):
    found = costs(table(rows, CALLS), table(DESIGN_ROWS, DESIGNS)).to_pylist()
    return {row["who"]: row for row in found if row["by"] == kind}


def test_by_role():
    roles = by("role")
    assert list(roles) == ["coder", "proposer"]  # both 5 USD
    proposer = roles["proposer"]
    assert (proposer["calls"], proposer["input_tokens"], proposer["usd"]) == (8, 400, 5.0)
    assert (proposer["sessions"], proposer["designs"], proposer["verified"]) == (4, 3, 2)
    assert proposer["rating"] == pytest.approx(4.5)
    assert proposer["fitness"] == pytest.approx(0.45)
    assert proposer["gain"] == pytest.approx(0.05)
    assert proposer["usd_per_design"] == pytest.approx(5 / 3)
    assert proposer["fitness_per_usd"] == pytest.approx(0.9 / 5)
    assert proposer["gain_per_usd"] == pytest.approx(0.1 / 5)


def test_by_model_and_by_both():
    models = by("model")
    assert list(models) == ["large", "small"]
    assert (models["large"]["usd"], models["small"]["usd"]) == (6.5, 3.5)
    assert (models["large"]["designs"], models["small"]["designs"]) == (2, 3)
    both = by("role and model")["proposer: large"]
    assert (both["sessions"], both["designs"], both["usd"]) == (2, 1, 4.0)
    assert both["gain_per_usd"] == pytest.approx(0.2 / 4)


def test_models_of_roles_that_work_together():
    teams = by("proposer + coder")
    assert set(teams) == {"large + small", "small + small", "large + –", "small + large"}
    assert (teams["large + small"]["usd"], teams["large + small"]["fitness"]) == (4.0, 0.6)
    vain = teams["large + –"]
    assert (vain["designs"], vain["usd_per_design"], vain["fitness_per_usd"]) == (0, None, None)
    assert sum(row["usd"] for row in teams.values()) == pytest.approx(10.0)


def test_one_model_needs_no_combinations():
    rows = [row | {"model": "small"} for row in CALL_ROWS]
    found = costs(table(rows, CALLS), table(DESIGN_ROWS, DESIGNS))
    assert set(found["by"].to_pylist()) == {"role", "model"}


def test_what_is_not_known_stays_so():
    row = {"session": 0, "design": "new", "role": "coder", "usd": 0.0}
    (found,) = costs(table([row], CALLS), table(DESIGN_ROWS, DESIGNS)).to_pylist()
    assert (found["calls"], found["fitness"], found["gain_per_usd"]) == (None, None, None)
    assert found["usd_per_design"] == 0.0
    assert costs(CALLS.empty_table(), DESIGNS.empty_table()).num_rows == 0


def test_gain_is_over_the_best_parent_where_both_were():
    child = {"s": 0.5, "m": 0.7, "l": 0.9}
    parents = [{"s": 0.4, "m": 0.8}, {"s": 0.45}, {"xl": 0.1}]
    assert gain(child, parents) == pytest.approx(((0.5 - 0.45) + (0.7 - 0.8)) / 2)
    assert gain(child, []) is None
    assert gain({}, parents) is None
