"""``genesys compare``: runs beside each other, as table 2 and figure 12 have them (sec. 5.1)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.table import Table

from genesys.cli.report.comparison import write_comparison
from genesys.cli.runs import RUNS
from genesys.cli.tables import write_tables
from genesys.cli.text import plain
from genesys.errors import StoreError
from genesys.population.comparison import Comparison, Estimate
from genesys.population.comparison import Group as Runs
from genesys.population.comparison import compare as compared

PAGE = "comparison.html"
MULTIRUN = "multirun.yaml"  # Hydra writes it into the folder of a multirun
# Heads of the columns, with table 2's signs; by metric.
COLUMNS = {
    "end": "Δ end",
    "peak": "Δmax peak",
    "sharpe": "SR",
    "volatility": "ν volatility",
    "best": "max",
    "drawdown": "MDD",
    "errors": "errors",
}
RATIOS = frozenset({"sharpe"})  # others are shown in percent
HEAD = ("group", "runs", *COLUMNS.values())


def compare(
    folder: Path | None,
    by: Sequence[str],
    size: int,
    step: int,
    designs: int | None = None,
    out: Path | None = None,
    as_json: bool = False,
    console: Console | None = None,
) -> None:
    """Compare the runs below a folder: print the table, and write it with all that it rests on.

    Args:
        folder: Of a multirun; the newest below ``runs/`` when not given.
        by: What tells runs apart; what differs when nothing is given.
        size: Designs in a generation.
        step: Designs between the beginnings of two generations.
        designs: Only so many verified designs of a run count, the first; None for all.
        out: The folder to write to; ``comparison`` in the folder when not given.
        as_json: Print one JSON object instead.
        console: Where to print; standard output when not given.

    Raises:
        StoreError: There is no run.
        UnknownNameError: No run has a setting that ``by`` names.
        GenesysError: The folder cannot be written to.
    """
    folder = folder or _newest()
    found = compared(folder, by, size, step, designs)
    out = out or folder / "comparison"
    tables = found.tables()
    write_tables(out, tables)
    rows = [list(row) for row in _rows(found)]
    write_comparison(found, HEAD, rows, out / PAGE)
    console = console or Console()
    if as_json:
        data = {"size": size, "step": step, "folder": str(folder), "page": str(out / PAGE)}
        data_of = {name: table.to_pylist() for name, table in tables.items()}
        console.out(json.dumps({**data, **data_of}, indent=2), highlight=False)
        return
    console.print(Group(*_shown(found, rows)))
    console.print(f"Page: {out / PAGE}", soft_wrap=True)


def _newest() -> Path:
    files = sorted(RUNS.glob(f"**/{MULTIRUN}"), key=lambda file: file.stat().st_mtime)
    if not files:
        raise StoreError(
            f"There is no multirun below {RUNS.absolute()}. Start one with `genesys evolve -m`, or "
            "name a folder that has runs."
        )
    return files[-1].parent


def _rows(found: Comparison) -> Iterator[tuple[str, ...]]:
    for group in found.groups:
        told = [_cell(metric, group.estimate(metric)) for metric in COLUMNS]
        yield (_label(group), str(len(group.runs)), *told)


def _label(group: Runs) -> str:
    return f"{group.label} (simulated)" if group.simulated else group.label


def _cell(metric: str, estimate: Estimate | None) -> str:
    if estimate is None:
        return "–"
    factor = 1 if metric in RATIOS else 100
    margin = "" if estimate.margin is None else f" ± {factor * estimate.margin:.2f}"
    return f"{factor * estimate.mean:.2f}{margin}"


def _shown(found: Comparison, rows: Sequence[Sequence[str]]) -> Iterator[RenderableType]:
    if rows:
        shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        for place, name in enumerate(HEAD):
            shown.add_column(name, justify="right" if place else "left")
        for row in rows:
            shown.add_row(*(plain(cell) for cell in row))
        yield shown
        yield plain(
            f"\nGenerations of {found.size} verified designs in steps of {found.step}; percent, "
            "but for SR. ± what the mean over seeds may be off by at 95%."
        )
    if found.simulated:
        yield plain("Simulated: nothing was trained.", "bold yellow")
    for one in found.left_out:
        yield plain(f"Left out: {one.folder} {one.reason}", "yellow")
