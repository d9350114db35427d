"""Use and reuse of units, and whether they foretell a value."""

from __future__ import annotations

from random import Random

from genesys.population.metrics.tables import DESIGNS, table
from genesys.population.metrics.units import predictability, unit_statistics


def test_statistics_by_hand():
    rows = [
        {"name": "seed", "seed": True, "units": ["A", "N"], "reused": []},
        {"name": "one", "seed": False, "units": ["A", "B", "N", "C"], "reused": ["A", "N"]},
        {"name": "two", "seed": False, "units": ["D", "E", "N"], "reused": []},
        {"name": "published before", "seed": True, "units": [], "reused": []},
    ]
    found = unit_statistics(table(rows, DESIGNS))
    assert found is not None
    assert (found.per_design, found.median_per_design) == (3, 3)
    assert list(found.uses.items())[:3] == [("N", 3), ("A", 2), ("B", 1)]
    assert (found.reuse, found.median_reuse) == (0.25, 0.25)


def test_designs_without_units_have_no_statistics():
    assert unit_statistics(table([{"name": "a", "units": []}], DESIGNS)) is None


def test_units_that_decide_foretell():
    rng = Random(0)
    bags = [[f"Kind{i % 4}", rng.choice("XYZ")] for i in range(80)]
    found = predictability(bags, [float(i % 4) for i in range(80)])
    assert found is not None
    assert found.leave_one_out > 0.95 > 0.5 > found.majority
    assert found.folds > 0.95
    assert found.support == (20, 20, 20, 20)


def test_units_that_say_nothing_do_not():
    rng = Random(0)
    bags = [[rng.choice("ABCD"), rng.choice("XYZ")] for _ in range(80)]
    found = predictability(bags, [rng.random() for _ in bags])
    assert found is not None
    assert found.leave_one_out < 0.45


def test_nothing_to_tell():
    assert predictability([["A"]] * 20, [0.5] * 20) is None
    assert predictability([["A"]] * 3, [0.1, 0.2, 0.3]) is None
