"""Use and reuse of units."""

from __future__ import annotations

import pytest

from genesys.population.metrics.tables import DESIGNS, table
from genesys.population.metrics.units import reuse_over_time, unit_statistics


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


def test_reuse_over_time_by_hand():
    rows = [
        {"name": "seed", "seed": True, "units": ["A", "N"], "reused": []},
        {"name": "one", "seed": False, "units": ["A", "B"], "reused": ["A"]},
        {"name": "two", "seed": False, "units": ["B", "C", "D", "N"], "reused": ["B"]},
        {"name": "unknown", "seed": False, "units": [], "reused": []},
        {"name": "three", "seed": False, "units": ["A", "C"], "reused": ["A", "C"]},
    ]
    first, second = reuse_over_time(table(rows, DESIGNS), size=2).to_pylist()
    assert first == {
        "first": 0,
        "children": 2,
        "per_design": 3,
        "reuse": (1 / 2 + 1 / 4) / 2,
        "new": 3,
        "different": 5,
    }
    assert (second["children"], second["reuse"], second["new"]) == (1, 1.0, 0)
    assert reuse_over_time(DESIGNS.empty_table()).num_rows == 0
    with pytest.raises(ValueError, match="positive"):
        reuse_over_time(DESIGNS.empty_table(), 0)
