"""``genesys metrics``: what a population looks like as a whole (sec. 5.1, app. D and E)."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import fields
from pathlib import Path

import pyarrow as pa
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from genesys.cli.tables import write_tables
from genesys.cli.text import plain
from genesys.population.metrics.figures import Figures
from genesys.population.metrics.tables import Tables

SIMULATED = "Simulated: nothing was trained ({} of {} verifications)."
MOST = 15  # rows shown of a long table; the files have them all
FILES_ONLY = {
    "costs": ("calls", "input_tokens", "output_tokens", "sessions", "verified", "usd_per_design"),
    "pace": ("to_hour",),
    "foretold": ("fold_deviation",),
}


def metrics(
    tables: Tables,
    size: int,
    step: int,
    out: Path | None = None,
    as_json: bool = False,
    console: Console | None = None,
) -> None:
    """Print the figures of a population.

    Args:
        tables: Of its designs and scores.
        size: Designs in a generation.
        step: Designs between the beginnings of two generations.
        out: A folder to write all tables to, as CSV and Parquet.
        as_json: Print one JSON object instead.
        console: Where to print; standard output when not given.

    Raises:
        GenesysError: The folder cannot be written to.
    """
    found = Figures.of(tables, size, step).items()
    if out:
        raw = {field.name: getattr(tables, field.name) for field in fields(tables)}
        write_tables(out, dict(found) | raw)
    console = console or Console()
    if as_json:
        data = {name: table.to_pylist() for name, table in found}
        console.out(json.dumps(data, indent=2, allow_nan=False), highlight=False)
        return
    if tables.simulated:
        console.print(Text(SIMULATED.format(tables.simulated, len(tables.verifications)), "bold"))
        console.print()
    console.print(Group(*(_shown(name, table) for name, table in found)))


def _shown(name: str, table: pa.Table) -> RenderableType:
    if not table.num_rows:
        return Group(Text(f"{name}: not known", "italic"), "")
    rows = table if name == "figures" else table.slice(0, MOST)
    more = f", {rows.num_rows} of {table.num_rows}" if rows.num_rows < table.num_rows else ""
    shown = Table(
        title=f"{name}{more}", title_justify="left", box=None, padding=(0, 2, 0, 0), pad_edge=False
    )
    rows = columns(rows, FILES_ONLY.get(name, ()))
    for column in rows.schema:
        title = column.name.replace("_", " ")
        if pa.types.is_string(column.type):
            shown.add_column(title, overflow="fold")
        else:
            shown.add_column(title, justify="right", min_width=6)
    for row in cells(rows):
        shown.add_row(*map(plain, row))
    return Group(shown, "")


def columns(table: pa.Table, but: Collection[str]) -> pa.Table:
    """The columns that are worth showing: of which something is known, but not these."""
    known = [n for n in table.column_names if table[n].null_count < table.num_rows or n == "value"]
    return table.select([name for name in known if name not in but])


def cells(table: pa.Table) -> list[list[str]]:
    """What a table holds, for people."""
    return [[_cell(value) for value in row.values()] for row in table.to_pylist()]


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
