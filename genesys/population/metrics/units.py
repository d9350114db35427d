"""Units: how many, how often, reused or new, all in all and over time (app. E.3.2)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import fmean, median

import pyarrow as pa

from genesys.population.metrics.progress import SIZE
from genesys.population.metrics.tables import table

REUSE = pa.schema(
    {
        "first": pa.int64(),  # place of the window's first child, from 0
        "children": pa.int64(),
        "per_design": pa.float64(),  # units of a child, mean
        "reuse": pa.float64(),  # share of a child's units that earlier designs have, mean
        "new": pa.int64(),  # names of units that no earlier design has
        "different": pa.int64(),  # names of units so far
    }
)
_READ = ["seed", "units", "reused"]


@dataclass(frozen=True)
class UnitStatistics:
    """Use and reuse of units over designs.

    Attributes:
        per_design: Mean number of units of a design.
        median_per_design: Its median.
        uses: Designs that have each unit, the commonest first.
        reuse: Mean share of a child's units that earlier designs have, too.
        median_reuse: Its median.
    """

    per_design: float
    median_per_design: float
    uses: dict[str, int]
    reuse: float
    median_reuse: float


def unit_statistics(designs: pa.Table) -> UnitStatistics | None:
    """Of all designs whose units are known; None if there are none.

    Args:
        designs: By the schema ``DESIGNS``.
    """
    rows = [row for row in designs.select(_READ).to_pylist() if row["units"]]
    if not rows:
        return None
    shares = [len(r["reused"]) / len(r["units"]) for r in rows if not r["seed"]] or [0.0]
    uses = Counter(unit for row in rows for unit in set(row["units"]))
    return UnitStatistics(
        per_design=fmean(len(row["units"]) for row in rows),
        median_per_design=median(len(row["units"]) for row in rows),
        uses=dict(sorted(uses.items(), key=lambda use: (-use[1], use[0]))),
        reuse=fmean(shares),
        median_reuse=median(shares),
    )


def reuse_over_time(designs: pa.Table, size: int = SIZE) -> pa.Table:
    """Use and reuse of units in windows of children, by the schema ``REUSE``.

    Args:
        designs: By the schema ``DESIGNS``. Those whose units are not known are left out.
        size: Children in a window; the last may have fewer.

    Raises:
        ValueError: ``size`` is not positive.
    """
    if size < 1:
        raise ValueError(f"size must be positive, got {size}")
    known = [row for row in designs.select(_READ).to_pylist() if row["units"]]
    names = {unit for row in known if row["seed"] for unit in row["units"]}
    children = [row for row in known if not row["seed"]]
    rows = []
    for first in range(0, len(children), size):
        window = children[first : first + size]
        before = len(names)
        names.update(unit for row in window for unit in row["units"])
        rows.append(
            {
                "first": first,
                "children": len(window),
                "per_design": fmean(len(row["units"]) for row in window),
                "reuse": fmean(len(row["reused"]) / len(row["units"]) for row in window),
                "new": len(names) - before,
                "different": len(names),
            }
        )
    return table(rows, REUSE)
