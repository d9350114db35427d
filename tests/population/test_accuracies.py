"""Accuracies in bulk are those of the reports."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from genesys.population.accuracies import accuracies
from genesys.population.schema import arrow_schema, to_row
from genesys.records import ACCURACIES, Outcome, Score, VerificationReport

SCORES = st.builds(
    Score,
    task=st.just("t"),
    metric=st.sampled_from([*sorted(ACCURACIES), "bits_per_byte"]),
    value=st.floats(0.0, 1.0),
)
REPORTS = st.builds(
    VerificationReport,
    design=st.just("d"),
    scale=st.just("s"),
    outcome=st.sampled_from(Outcome),
    scores=st.lists(SCORES, max_size=9),
)


@given(st.lists(REPORTS, max_size=6), st.integers(1, 4))
def test_they_are_the_reports_own(reports: list[VerificationReport], size: int) -> None:
    schema = arrow_schema(VerificationReport)
    rows = pa.Table.from_pylist([to_row(report) for report in reports], schema=schema)
    found = [value for batch in rows.to_batches(size) for value in accuracies(batch)]
    assert found == [report.fitness for report in reports]
