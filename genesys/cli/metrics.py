"""``genesys metrics``: what a population looks like as a whole (sec. 5.1, app. D and E)."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
from rich.console import Console, Group, RenderableType
from rich.table import Table

from genesys.cli.text import plain
from genesys.errors import GenesysError
from genesys.files import whole
from genesys.population.metrics.figures import Figures
from genesys.population.metrics.tables import Tables

MOST = 15  # rows shown of a long table; the files have them all


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
    found = Figures.of(tables, size, step)
    written = {"figures": found.figures, "tasks": found.tasks, "units": found.units}
    if out:
        _write(
            out,
            {
                **written,
                "designs": tables.designs,
                "scores": tables.scores,
                "sessions": tables.sessions,
            },
        )
    console = console or Console()
    if as_json:
        data = {name: table.to_pylist() for name, table in written.items()}
        console.out(json.dumps(data, indent=2), highlight=False)
    else:
        console.print(Group(*(_shown(name, table) for name, table in written.items())))


def _shown(name: str, table: pa.Table) -> RenderableType:
    more = f", {MOST} of {table.num_rows}" if table.num_rows > MOST and name != "figures" else ""
    shown = Table(
        title=f"{name}{more}", title_justify="left", box=None, padding=(0, 2, 0, 0), pad_edge=False
    )
    for column in table.schema:
        shown.add_column(column.name, justify="left" if column.type == pa.string() else "right")
    rows = table if name == "figures" else table.slice(0, MOST)
    for row in rows.to_pylist():
        shown.add_row(*(plain(_cell(value)) for value in row.values()))
    return Group(shown, "")


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _write(folder: Path, tables: dict[str, pa.Table]) -> None:
    from pyarrow import csv, parquet

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            with whole(folder / f"{name}.parquet") as draft:
                parquet.write_table(table, draft)
            with whole(folder / f"{name}.csv") as draft:
                csv.write_csv(_flat(table), draft)
    except OSError as error:
        raise GenesysError(f"The tables cannot be written to {folder}: {error}") from None


def _flat(table: pa.Table) -> pa.Table:
    """Lists as words: CSV has no others."""
    for index, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            words = [" ".join(value or []) for value in table[field.name].to_pylist()]
            table = table.set_column(index, field.name, pa.array(words, pa.string()))
    return table
