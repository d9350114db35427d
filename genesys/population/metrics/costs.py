"""What language models cost and what came of it, by role and by model (app. E.2.1, figs 40-43)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

import pyarrow as pa

from genesys.population.metrics.tables import table

COSTS = pa.schema(
    {
        "by": pa.string(),  # role, model, role and model, or roles that worked together
        "who": pa.string(),
        "calls": pa.int64(),
        "input_tokens": pa.int64(),
        "output_tokens": pa.int64(),
        "usd": pa.float64(),
        "sessions": pa.int64(),  # in which they were called
        "designs": pa.int64(),  # that came of these sessions
        "verified": pa.int64(),  # those of them with a fitness
        "rating": pa.float64(),  # of these designs' proposals, mean
        "fitness": pa.float64(),  # of these designs, mean
        "gain": pa.float64(),  # of fitness over the best parent, mean
        "usd_per_design": pa.float64(),
        "fitness_per_usd": pa.float64(),  # sum of the designs' fitness over all that was spent
        "gain_per_usd": pa.float64(),  # sum of their gains over all that was spent
    }
)
# Roles that the paper looks at together (figs 41, 42 and 43).
TEAMS = (("proposer", "coder"), ("proposer", "reviewer"), ("planner", "coder", "observer"))
NOBODY = "–"  # a role that was not called in a session


def costs(calls: pa.Table, designs: pa.Table) -> pa.Table:
    """By the schema ``COSTS``: by role, by model, by both, and by the models of roles together.

    A session's designs count for every role and model that was called in it; what models of
    several roles cost together tells them apart only where there is more than one model.

    Args:
        calls: By the schema ``CALLS``.
        designs: By the schema ``DESIGNS``.
    """
    rows = calls.to_pylist()
    made = {row["name"]: row for row in designs.select(_READ).to_pylist()}
    groups = [*_groups("role", rows, lambda row: row["role"])]
    models = {row["model"] for row in rows if row["model"]}
    if models:
        groups += _groups("model", rows, lambda row: row["model"])
    if len(models) > 1:
        groups += _groups("role and model", rows, lambda row: f"{row['role']}: {row['model']}")
        for team in TEAMS:
            groups += _team(team, rows)
    return table((group.row(made) for group in groups), COSTS)


_READ = ["name", "fitness", "gain", "rating"]


@dataclass
class _Group:
    """Calls that have something in common."""

    by: str
    who: str
    rows: list[dict[str, Any]] = field(default_factory=list)

    def row(self, made: dict[str, dict[str, Any]]) -> dict[str, Any]:
        names = sorted({row["design"] for row in self.rows} & made.keys() - {None})
        designs = [made[name] for name in names]
        usd = sum(row["usd"] for row in self.rows)
        found: dict[str, list[float]] = {
            name: [d[name] for d in designs if d[name] is not None] for name in _READ[1:]
        }
        return {
            "by": self.by,
            "who": self.who,
            **{name: self._sum(name) for name in ("calls", "input_tokens", "output_tokens")},
            "usd": usd,
            "sessions": len({row["session"] for row in self.rows}),
            "designs": len(designs),
            "verified": len(found["fitness"]),
            **{name: fmean(values) if values else None for name, values in found.items()},
            "usd_per_design": usd / len(designs) if designs else None,
            "fitness_per_usd": _over(found["fitness"], usd),
            "gain_per_usd": _over(found["gain"], usd),
        }

    def _sum(self, name: str) -> int | None:
        known = [row[name] for row in self.rows if row[name] is not None]
        return sum(known) if known else None


def _over(values: Sequence[float], usd: float) -> float | None:
    return sum(values) / usd if values and usd else None


def _groups(
    by: str, rows: Iterable[dict[str, Any]], who: Callable[[dict[str, Any]], str]
) -> Iterator[_Group]:
    """Dearest first."""
    groups: dict[str, _Group] = {}
    for row in rows:
        groups.setdefault(who(row), _Group(by, who(row))).rows.append(row)
    yield from sorted(groups.values(), key=lambda g: (-sum(r["usd"] for r in g.rows), g.who))


def _team(team: Sequence[str], rows: Sequence[dict[str, Any]]) -> Iterator[_Group]:
    """The calls of these roles, by the models that they had in a session."""
    models: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    own = [row for row in rows if row["role"] in team]
    for row in own:
        models[row["session"]][row["role"]].add(row["model"])
    who = {
        session: " + ".join("/".join(sorted(roles.get(role, ()))) or NOBODY for role in team)
        for session, roles in models.items()
    }
    yield from _groups(" + ".join(team), own, lambda row: who[row["session"]])
