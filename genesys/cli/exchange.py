"""``genesys designs``: designs out of a run, and into folders that can be seeds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from genesys.cli.text import plain
from genesys.population.exchange import Form, Imported, export_designs, import_designs
from genesys.population.population import Population


def export(population: Population, out: Path, names: Sequence[str], form: Form) -> None:
    """Write designs of a run as folders, and say where.

    Args:
        population: Of the run.
        out: The folder to write, new or empty.
        names: Of the designs; all where there are none.
        form: Of the folders.

    Raises:
        GenesysError: There is no such design, or ``out`` cannot be written.
    """
    chosen = list(names) or [design.name for design in population.designs]
    export_designs(population, chosen, out, form)
    number = len(set(chosen))
    told = f"Wrote {number} design{'s' * (number != 1)} to {out}. Their code was generated: read it"
    Console().print(plain(f"{told} before you run it."), soft_wrap=True)


def import_(source: Path, out: Path, as_json: bool = False) -> int:
    """Make design folders of what lies at ``source``, and say what came of each.

    Returns:
        The exit status: 1 if a design could not be imported.

    Raises:
        StoreError: There are no designs, or ``out`` cannot be written.
    """
    found = import_designs(source, out)
    if as_json:
        print(json.dumps([each.model_dump() for each in found], indent=2))
    else:
        Console().print(_shown(found, out))
    return int(any(each.error for each in found))


def _shown(found: Sequence[Imported], out: Path) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for each in found:
        if each.error:
            table.add_row(plain(f"✘ {each.source}", "red"), plain(each.error))
        elif each.notes or each.name != each.source:
            renamed = [f"Was called {each.source}."] if each.name != each.source else []
            table.add_row(plain(f"✔ {each.name}"), plain("\n".join([*renamed, *each.notes])))
        else:
            table.add_row(plain(f"✔ {each.name}"), "")
    made = [each.name for each in found if not each.error]
    told = f"{len(made)} of {len(found)} imported to {out}."
    if made:
        told += f" Next: genesys check {out / made[0]}"
    return Group(table, Text(), Text(told))
