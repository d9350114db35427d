"""The report's section of metrics: folded tables, each with what it comes to in a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from genesys.cli.metrics import cells, columns
from genesys.cli.text import usd
from genesys.population.metrics.figures import Figures

MOST = 60  # rows of a table; `genesys metrics --out` has them all
NOT_KNOWN = "not known yet"


@dataclass(frozen=True)
class Grid:
    """A table as text.

    Attributes:
        title: What it shows.
        head: Names of its columns, each with whether it is one of words.
        rows: Its cells.
        more: Rows that are left out.
    """

    title: str
    head: list[tuple[str, bool]]
    rows: list[list[str]]
    more: int


@dataclass(frozen=True)
class Fold:
    """Tables on one subject.

    Attributes:
        id: For links, and of the figure if it has one.
        title: The subject.
        gist: What they come to.
        grids: The tables that are not empty.
    """

    id: str
    title: str
    gist: str
    grids: list[Grid]


def folds(found: Figures) -> list[Fold]:
    """All subjects, also those of which nothing is known."""
    subjects: list[tuple[str, str, str, Sequence[tuple[str, pa.Table]]]] = [
        ("progress", "Progress", _progress(found), [("Generations", found.generations)]),
        ("sessions", "Sessions and errors", _errors(found), [("By stage", found.errors)]),
        ("cost", "Cost-effectiveness", _cost(found), [("By role and model", found.costs)]),
        (
            "pipeline",
            "Designers and verifiers",
            _pipeline(found),
            [("Workers", found.workers), ("Scales", found.scales), ("Over time", found.pace)],
        ),
        ("tree", "Evolution tree", _tree(found), []),
        (
            "tasks",
            "Tasks",
            _tasks(found),
            [("How scores spread", found.tasks), ("Foretold from units", found.foretold)],
        ),
        (
            "units",
            "Units",
            _units(found),
            [("Use", found.units), ("New and reused, over time", found.reuse)],
        ),
    ]
    return [
        Fold(f"metrics-{group}", title, gist, _grids(found.figures, group, tables))
        for group, title, gist, tables in subjects
    ]


def _grids(figures: pa.Table, group: str, tables: Sequence[tuple[str, pa.Table]]) -> list[Grid]:
    import pyarrow.compute as pc

    own = figures.filter(pc.equal(figures["group"], group)).drop_null().select(["figure", "value"])
    return [_grid(title, one) for title, one in [("", own), *tables] if one.num_rows]


def _grid(title: str, table: pa.Table) -> Grid:
    shown = columns(table, ())
    head = [
        (field.name.replace("_", " "), pa.types.is_string(field.type)) for field in shown.schema
    ]
    rows = cells(shown.slice(0, MOST))
    return Grid(title, head, rows, table.num_rows - len(rows))


def _progress(found: Figures) -> str:
    end, drawdown = found.value("progress", "end"), found.value("progress", "drawdown")
    if end is None or drawdown is None:
        return f"{NOT_KNOWN}: it takes three generations"
    return f"mean fitness {end:+.3f} from the first generation to the last, drawdown {drawdown:.3f}"


def _errors(found: Figures) -> str:
    held, good = found.value("sessions", "held"), found.value("sessions", "accepted") or 0.0
    wrong = found.value("pipeline", "verification errors")
    ends = f"{1 - good:.0%} of {held:.0f} sessions made no design" if held else "no session yet"
    return f"{ends}, {wrong:.1%} of the designs tried failed in verification" if wrong else ends


def _cost(found: Figures) -> str:
    spent = found.value("population", "USD")
    return f"{usd(spent)} for language models" if spent else "no language model was paid"


def _pipeline(found: Figures) -> str:
    kept, best = found.value("pipeline", "ratio"), found.value("pipeline", "best ratio")
    busy = found.value("pipeline", "utilisation")
    parts = [
        f"workers busy for {busy:.0%} of their time" if busy is not None else "",
        f"verifiers to designers {kept:.2g} to 1" if kept is not None else "",
        f"{best:.2g} to 1 would keep both busy" if best is not None else "",
    ]
    return ", ".join(filter(None, parts)) or NOT_KNOWN


def _tree(found: Figures) -> str:
    degree = found.value("tree", "degree")
    if degree is None:
        return NOT_KNOWN
    groups = found.value("tree", "communities")
    return f"{degree:.2f} parents and children a design on average, {groups:.0f} communities"


def _tasks(found: Figures) -> str:
    if not found.tasks.num_rows:
        return NOT_KNOWN
    chosen = sum(bool(selected) for selected in found.tasks["selected"].to_pylist())
    return f"{chosen} of {found.tasks.num_rows} tell designs apart"


def _units(found: Figures) -> str:
    each, reuse = found.value("units", "per design"), found.value("units", "reuse")
    if each is None or reuse is None:
        return NOT_KNOWN
    return f"{each:.1f} a design, {reuse:.0%} of a child's are from earlier designs"
