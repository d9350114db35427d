"""All figures together: no population makes them fail, and none holds a NaN."""

from __future__ import annotations

import math

import pytest

from genesys.population.metrics.figures import Figures
from genesys.population.metrics.of_run import of_run
from genesys.population.metrics.tables import DESIGNS, SCORES, Tables, table
from genesys.population.population import Population

from .test_of_run import DESIGNS as TWO
from .test_of_run import REPORTS, ended, failed

POPULATIONS = {
    "empty": Population(),
    "one seed": Population(TWO[:1]),
    "none verified": Population(TWO, sessions=[ended(0, name="child")]),
    "one design": Population(TWO[:1], REPORTS[:1]),
    "every verification failed": Population(TWO, [failed("child", "x"), failed("seed", "y")]),
    "two": Population(TWO, REPORTS, [ended(0, name="child")]),
}


@pytest.mark.parametrize("population", POPULATIONS.values(), ids=POPULATIONS)
def test_what_is_not_known_is_null(population):
    found = Figures.of(of_run(population), size=1, step=1)
    for _, one in found.items():
        for row in one.to_pylist():
            for value in row.values():
                assert not isinstance(value, float) or math.isfinite(value)
    values = {row["figure"]: row["value"] for row in found.figures.to_pylist()}
    assert values["designs"] == len(population.designs)
    if not population.reports:
        assert values["verified"] == 0
        assert values["sharpe"] is values["best ratio"] is values["utilisation"] is None
        assert found.tasks.num_rows == found.scales.num_rows == found.generations.num_rows == 0


def test_generations_are_a_table():
    designs = [{"name": f"d{i}", "parents": [], "fitness": i / 10} for i in range(6)]
    found = Figures.of(Tables(table(designs, DESIGNS), SCORES.empty_table()), size=4, step=2)
    assert [tuple(row.values()) for row in found.generations.to_pylist()] == [
        (0, 4, pytest.approx(0.15), 0.0, 0.3),
        (2, 4, pytest.approx(0.35), 0.2, 0.5),
    ]
