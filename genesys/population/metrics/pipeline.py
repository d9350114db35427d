"""How designers and verifiers kept each other busy, as it was measured (eq. 2 and 3, app. E.4)."""

from __future__ import annotations

from dataclasses import dataclass, fields

import pyarrow as pa
import pyarrow.compute as pc

from genesys.population.ledger import JobKind
from genesys.population.metrics.errors import error_rate
from genesys.population.metrics.tables import Tables, table
from genesys.population.metrics.throughput import best_ratio, throughput
from genesys.population.metrics.work import HOUR, Work, share
from genesys.records import Outcome, SessionEnd

WINDOWS = 20  # that a run is cut into
PACE = pa.schema(
    {
        "from_hour": pa.float64(),
        "to_hour": pa.float64(),
        "designers": pa.float64(),  # there, mean over the time
        "verifiers": pa.float64(),
        "ratio": pa.float64(),  # verifiers for each designer
        "designing": pa.float64(),  # share of the designers' time that they held sessions
        "verifying": pa.float64(),  # share of the verifiers' time that they verified
        "designs": pa.int64(),  # sessions that ended with one
        "verified": pa.int64(),  # verifications that ended well
    }
)


@dataclass(frozen=True)
class Pipeline:
    """What a run's pipeline was, and what it could be; None for what is not known.

    Attributes:
        hours: That a coordinator was there.
        designers: Mean number of workers that hold sessions.
        verifiers: Mean number of workers that verify. One that does both counts as both.
        ratio: Verifiers for each designer.
        design_seconds: T_D: of sessions, those in vain too, for each design that came of them.
        verification_seconds: E(T_V): of verifications at all scales for each design that there is.
        verification_errors: Share of the designs tried that fail in verification (table 3).
        best_ratio: Verifiers for each designer at which neither waits (eq. 3).
        possible_per_hour: Designs that these workers could make and verify in an hour (eq. 2).
        verified_per_hour: Designs that they made and verified in an hour.
        designing: Share of the designers' time that they held sessions.
        verifying: Share of the verifiers' time that they verified.
        utilisation: Share of all workers' time that they were busy.
    """

    hours: float | None
    designers: float | None
    verifiers: float | None
    ratio: float | None
    design_seconds: float | None
    verification_seconds: float | None
    verification_errors: float | None
    best_ratio: float | None
    possible_per_hour: float | None
    verified_per_hour: float | None
    designing: float | None
    verifying: float | None
    utilisation: float | None


def pipeline(tables: Tables) -> Pipeline:
    """That of a run."""
    work = Work(tables)
    designing, verifying = (work.seconds(kind) for kind in JobKind)
    design = share(designing, _accepted(tables))
    verification = share(verifying, tables.designs.num_rows)
    seeds = tables.designs.filter(tables.designs["seed"])["name"].to_pylist()
    errors = error_rate(tables.verifications, set(seeds))
    best = possible = None
    designers, verifiers = (share(work.present(kind), work.until) for kind in JobKind)
    if design and verification:
        if (errors or 0.0) < 1:
            best = best_ratio(design, verification, errors or 0.0)
        if designers is not None and verifiers is not None:
            possible = HOUR * throughput(designers, verifiers, design, verification)
    return Pipeline(
        hours=work.until / HOUR or None,
        designers=designers,
        verifiers=verifiers,
        ratio=share(verifiers, designers),
        design_seconds=design,
        verification_seconds=verification,
        verification_errors=errors,
        best_ratio=best,
        possible_per_hour=possible,
        verified_per_hour=share(HOUR * _verified(tables), work.until),
        designing=share(designing, work.present(JobKind.SESSION)),
        verifying=share(verifying, work.present(JobKind.VERIFICATION)),
        utilisation=share(work.seconds(), work.present()),
    )


def pace(tables: Tables, windows: int = WINDOWS) -> pa.Table:
    """The same over time, in equal parts of a run, by the schema ``PACE``.

    Without a ledger it is empty.
    """
    work = Work(tables)
    width = work.until / windows
    rows = []
    for place in range(windows if width else 0):
        low, high = width * place, width * (place + 1)
        there = {kind: work.present(kind, low, high) for kind in JobKind}
        busy = {kind: work.busy(kind, low, high) for kind in JobKind}
        designers, verifiers = there[JobKind.SESSION], there[JobKind.VERIFICATION]
        rows.append(
            {
                "from_hour": low / HOUR,
                "to_hour": high / HOUR,
                "designers": designers / width,
                "verifiers": verifiers / width,
                "ratio": share(verifiers, designers),
                "designing": share(busy[JobKind.SESSION], designers),
                "verifying": share(busy[JobKind.VERIFICATION], verifiers),
                "designs": work.ended(SessionEnd.ACCEPTED, low, high),
                "verified": work.ended(Outcome.OK, low, high),
            }
        )
    return table(rows, PACE)


def as_figures(found: Pipeline) -> dict[str, float | None]:
    """By name, in words."""
    return {field.name.replace("_", " "): getattr(found, field.name) for field in fields(found)}


def _accepted(tables: Tables) -> int:
    return int(pc.sum(pc.equal(tables.sessions["end"], SessionEnd.ACCEPTED.value)).as_py() or 0)


def _verified(tables: Tables) -> int:
    good = pc.equal(tables.verifications["outcome"], Outcome.OK.value)
    made = set(tables.sessions["design"].to_pylist())
    return len(made & set(tables.verifications.filter(good)["design"].to_pylist()))
