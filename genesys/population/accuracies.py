"""The accuracies of many reports at once, from their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genesys.records import ACCURACIES, Outcome

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("outcome", "scores")


def accuracies(rows: pa.RecordBatch) -> list[float | None]:
    """``VerificationReport.fitness`` of each row, to the last bit.

    Args:
        rows: With these columns of the reports' schema.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    scores = rows.column("scores")
    counted = pc.is_in(pc.struct_field(scores.values, "metric"), pa.array(ACCURACIES))
    pairs = list(
        zip(counted.to_pylist(), pc.struct_field(scores.values, "value").to_pylist(), strict=True)
    )
    ends = scores.offsets.to_pylist()
    found: list[float | None] = []
    for row, outcome in enumerate(rows.column("outcome").to_pylist()):
        own = [value for counts, value in pairs[ends[row] : ends[row + 1]] if counts]
        ok = outcome == Outcome.OK and own
        found.append(sum(own) / len(own) if ok else None)
    return found
