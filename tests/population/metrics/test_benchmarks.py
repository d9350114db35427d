"""Table 16: how tasks spread, and which are selected."""

from __future__ import annotations

import pytest

from genesys.population.metrics.benchmarks import TaskStatistics, task_statistics
from genesys.population.metrics.tables import SCORES, table


def test_statistics_by_hand():
    rows = [
        {"design": "a", "scale": "s", "task": "flat", "value": 0.5},
        {"design": "b", "scale": "s", "task": "flat", "value": 0.5},
        {"design": "a", "scale": "s", "task": "wide", "value": 0.4, "chance": 0.5, "items": 300},
        {"design": "b", "scale": "s", "task": "wide", "value": 0.8, "chance": 0.5, "items": 300},
    ]
    wide, flat = task_statistics(table(rows, SCORES))
    assert (wide.task, wide.mean, wide.least, wide.most) == ("wide", pytest.approx(0.6), 0.4, 0.8)
    assert wide.deviation == pytest.approx(0.2)
    assert (wide.selected, flat.selected) == (True, False)


# Rows of table 16 with both of its last columns.
PAPER = [
    ("mrpc", 0.1465, 0.4929, 0.3113, 0.6863, 0.3162, 408, True),
    ("qqp", 0.1112, 0.5011, 0.3675, 0.6329, 0.6318, 40430, False),
    ("blimp", 0.0566, 0.7044, 0.5777, 1.0, 0.6975, 65093, True),
    ("rte", 0.0288, 0.5064, 0.4224, 0.5884, 0.5271, 277, True),
    ("tinyTruthfulQA", 0.0185, 0.5233, 0.3967, 0.5469, 0.4866, 100, False),
    ("winogrande", 0.0103, 0.495, 0.4538, 0.5359, 0.4878, 1267, True),
    ("mnli", 0.01, 0.3432, 0.3256, 0.3564, 0.3545, 9815, False),
    ("sciq", 0.0088, 0.1998, 0.0, 0.219, 0.2, 1000, False),
]


@pytest.mark.parametrize("row", PAPER, ids=[row[0] for row in PAPER])
def test_selects_what_the_paper_selects(row):
    *figures, selected = row
    assert TaskStatistics(*figures).selected is selected


def test_what_is_not_known_is_not_asked_for():
    assert TaskStatistics("t", 0.1, 0.5, 0.4, 0.6).selected is None
    assert TaskStatistics("t", 0.1, 0.5, 0.4, 0.6, chance=0.5).selected is True
    assert TaskStatistics("t", 0.1, 0.5, 0.4, 0.6, items=100).selected is False
