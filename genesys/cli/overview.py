"""``genesys runs``: which runs there are, what they are doing, and how far they are."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from genesys.cli.text import plain
from genesys.errors import StoreError
from genesys.evolution.overview import Overview, State, find_runs, overview

COLOURS = {
    State.RUNNING: "green",
    State.PAUSED: "yellow",
    State.STOPPING: "yellow",
    State.INTERRUPTED: "red",
    State.UNREADABLE: "red",
}
AGES = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def runs(top: Path, as_json: bool = False, console: Console | None = None) -> None:
    """Print the runs below a folder, the latest first.

    Args:
        top: The folder.
        as_json: Print a list of ``Overview`` instead.
        console: Where to print; standard output when not given.

    Raises:
        StoreError: There is no such folder.
    """
    if not top.is_dir():
        raise StoreError(f"There is no folder {top}. Start a run with `genesys evolve`.")
    found = sorted(map(overview, find_runs(top)), key=lambda run: -run.active)
    console = console or Console()
    if as_json:
        content = [run.model_dump(mode="json") for run in found]
        console.out(json.dumps(content, indent=2), highlight=False)
    else:
        console.print(_shown(found, top))


def _shown(found: Sequence[Overview], top: Path) -> RenderableType:
    if not found:
        return Text(f"There is no run below {top}.")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("run", overflow="fold")
    table.add_column("state", overflow="fold")
    for column in ("generation", "designs", "verified", "best", "USD", "last"):
        table.add_column(column, justify="right", no_wrap=True)
    problems = []
    for run in found:
        name = plain(run.folder)
        if run.state is State.UNREADABLE:
            table.add_row(name, Text(run.state, COLOURS[run.state]))
            problems.append(plain(run.problem))
            continue
        table.add_row(
            name,
            _state(run),
            str(run.generation),
            f"{run.designs:,}",
            f"{run.verified:,}",
            "–" if run.fitness is None else f"{run.fitness:.3f}",
            f"{run.usd:.2f}",
            age(time.time() - run.active),
        )
    return Group(table, *([Text(), *problems] if problems else []))


def _state(run: Overview) -> Text:
    told = f" ({run.holder})" if run.holder else ""
    told += ", simulated" if run.simulated else ""
    return plain(f"{run.state}{told}", COLOURS.get(run.state, ""))


def age(seconds: float) -> str:
    """How long ago something was: ``40 s``, ``3 min``, ``5 h``, ``2 d``."""
    for size, unit in AGES:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return "now"
