"""``genesys plugins``: what is installed. Reads metadata only and imports no plugin."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from genesys.registry import installed


def plugins(as_json: bool = False) -> None:
    """Print all plugins by kind and name."""
    found = installed()
    if as_json:
        Console().out(json.dumps([asdict(p) for p in found], indent=2), highlight=False)
        return
    table = Table("kind", "name", "from", "config", box=SIMPLE_HEAD)
    for plugin in found:
        use = f"{plugin.kind}={plugin.name}"
        table.add_row(*map(Text, (plugin.kind, plugin.name, plugin.distribution, use)))
    Console().print(table)
