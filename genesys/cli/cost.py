"""``genesys cost``: who spent what on which outcome."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from genesys.cli.forecast import Forecast
from genesys.cli.text import count, duration, usd
from genesys.population.by import By
from genesys.population.spending import Spending, Spent
from genesys.tape import Call
from genesys.text import one_line


def cost(run: Path, by: By, as_json: bool = False, console: Console | None = None) -> None:
    """Print what the calls of language models cost a run, where its budget stands, and a forecast.

    Args:
        run: The run's folder.
        by: What calls are told apart by.
        as_json: Print one JSON object instead.
        console: Where to print; standard output when not given.

    Raises:
        StoreError: The folder holds no run.
    """
    spending = Spending.read(run)
    forecast = Forecast.read(run, spending)
    console = console or Console()
    if as_json:
        console.out(json.dumps(_as_data(spending, by, forecast), indent=2), highlight=False)
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    for what, told in forecast.lines(spending):
        table.add_row(Text(what, "dim"), Text(told))
    console.print(costs(spending, by), *([Text(), table] if table.row_count else []))


def costs(spending: Spending, by: By) -> RenderableType:
    """The sums as a table, and what came of the money."""
    total = spending.total
    if not total.tries:
        return Text("No language model was called.")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(by.value, overflow="fold")
    for name in ("calls", "tries", "tokens in", "cached", "tokens out", "time", "USD", "share"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, spent in spending.by(by).items():
        table.add_row(Text(_label(name, by)), *_figures(spent, total))
    table.add_section()
    table.add_row(Text("all", "bold"), *_figures(total, total))
    return Group(table, Text(), Text(_worth(spending)))


def in_words(spent: Spent) -> str:
    """A sum in a line."""
    again = f" in {spent.tries} tries" if spent.tries > spent.calls else ""
    return (
        f"{spent.calls} calls{again}, {tokens(spent)}, {duration(spent.seconds)}, {usd(spent.usd)}"
    )


def tokens(spent: Spent | Call) -> str:
    """How many went in and came out."""
    cached = f" ({count(spent.cached_tokens)} cached)" if spent.cached_tokens else ""
    return f"{count(spent.input_tokens)} tokens in{cached}, {count(spent.output_tokens)} out"


def _figures(spent: Spent, total: Spent) -> list[str]:
    share = f"{spent.usd / total.usd:.0%}" if total.usd else "–"
    numbers = (spent.input_tokens, spent.cached_tokens, spent.output_tokens)
    return [
        f"{spent.calls:,}",
        f"{spent.tries:,}",
        *(count(number) for number in numbers),
        duration(spent.seconds),
        f"{spent.usd:.4f}",
        share,
    ]


def _label(name: str, by: By) -> str:
    return name.replace("_", " ") if by is By.OUTCOME else one_line(name, 60)


def _worth(spending: Spending) -> str:
    """What came of the money."""
    if spending.usd_per_design is None:
        each = "No session has ended with a design."
    else:
        designs = f"{spending.designs} design{'s' * (spending.designs != 1)}"
        each = f"{usd(spending.usd_per_design)} per accepted design ({designs})."
    if not spending.total.usd:
        return each
    vain = spending.usd_in_vain
    share = vain / spending.total.usd
    return f"{each} {share:.0%} went to sessions that ended without one ({usd(vain)})."


def _as_data(spending: Spending, by: By, forecast: Forecast) -> dict[str, Any]:
    return {
        "by": by.value,
        "rows": [{by.value: name} | asdict(spent) for name, spent in spending.by(by).items()],
        "total": asdict(spending.total),
        "designs": spending.designs,
        "usd_per_design": spending.usd_per_design,
        "usd_without_design": spending.usd_in_vain,
        "device_hours": forecast.device_hours,
        "budget": forecast.caps.model_dump(),
        "forecast": asdict(forecast.outlook) if forecast.outlook else None,
    }
