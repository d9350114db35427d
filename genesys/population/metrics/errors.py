"""At which stage designs fail, and of what (fig. 20, table 3, figs 44 and 45)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from genesys.population.metrics.tables import Tables, table
from genesys.records import Outcome, SessionEnd

ERRORS = pa.schema(
    {
        "stage": pa.string(),  # proposal, implementation, verification, or session for any of them
        "group": pa.string(),  # end, format, function, other, outcome or step
        "error": pa.string(),
        "count": pa.int64(),
        "of": pa.int64(),
        "share": pa.float64(),
    }
)
STAGES = {
    SessionEnd.REJECTED_BY_REVIEW: "proposal",
    SessionEnd.NOT_IMPLEMENTED: "implementation",
    SessionEnd.REJECTED_BY_CHECKER: "implementation",
    SessionEnd.NOT_NEW: "implementation",
}
ALL = "all"  # errors of a group together; a design with several counts once


def errors(tables: Tables) -> pa.Table:
    """Error rates by stage, by the schema ``ERRORS``.

    Ends of sessions are counted of all sessions, classes of errors of the designs that the
    checkers rejected, and failed verifications of the designs that were tried (table 3).
    """
    return table([*_ends(tables), *_classes(tables), *_verification(tables)], ERRORS)


def error_rate(verifications: pa.Table, seeds: set[str]) -> float | None:
    """Share of the children tried in verification that failed there by their own fault (table 3).

    Args:
        verifications: By the schema ``VERIFICATIONS``.
        seeds: Designs that do not count.

    Returns:
        None if none was tried.
    """
    tried, failed = _tried(verifications, seeds)
    return len(failed) / len(tried) if tried else None


def _ends(tables: Tables) -> Iterator[dict[str, Any]]:
    ends = Counter(tables.sessions["end"].to_pylist())
    for end, held in ends.most_common():
        if end != SessionEnd.ACCEPTED:
            stage = STAGES.get(SessionEnd(end), "session")
            yield _row(stage, "end", end, held, ends.total())


def _classes(tables: Tables) -> Iterator[dict[str, Any]]:
    rows = tables.rejections.to_pylist()
    rejected = len({row["session"] for row in rows})
    groups: dict[str, set[int]] = {}
    for row in rows:
        groups.setdefault(row["group"], set()).add(row["session"])
    counts = Counter((row["group"], row["error"]) for row in rows)
    for group in sorted(groups):
        yield _row("implementation", group, ALL, len(groups[group]), rejected)
        for (of, error), count in counts.most_common():
            if of == group:
                yield _row("implementation", group, error, count, rejected)


def _verification(tables: Tables) -> Iterator[dict[str, Any]]:
    designs = tables.designs
    marks = zip(designs["name"].to_pylist(), designs["seed"].to_pylist(), strict=True)
    tried, failed = _tried(tables.verifications, {name for name, seed in marks if seed})
    if not tried:
        return
    yield _row("verification", "outcome", "design error", len(failed), len(tried))
    steps = Counter(failed.values())
    for step, count in steps.most_common():
        yield _row("verification", "step", step, count, len(failed))
    outcomes = tables.verifications["outcome"].to_pylist()
    if machine := outcomes.count(Outcome.MACHINE_ERROR):
        yield _row("verification", "outcome", "machine error", machine, len(outcomes))


def _tried(verifications: pa.Table, seeds: set[str]) -> tuple[set[str], dict[str, str]]:
    """Children that a verification says something of, and in which step some of them failed."""
    tried, failed = set(), dict[str, str]()
    for row in verifications.select(["design", "outcome", "stage"]).to_pylist():
        if row["design"] not in seeds and row["outcome"] != Outcome.MACHINE_ERROR:
            tried.add(row["design"])
            if row["outcome"] == Outcome.DESIGN_ERROR:
                failed.setdefault(row["design"], row["stage"])
    return tried, failed


def _row(stage: str, group: str, error: str, count: int, of: int) -> dict[str, Any]:
    words = error.replace("_", " ")
    share = count / of if of else None
    return {
        "stage": stage,
        "group": group,
        "error": words,
        "count": count,
        "of": of,
        "share": share,
    }
