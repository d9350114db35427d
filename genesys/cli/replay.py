"""The command ``genesys replay``: a run again, from what it kept."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from genesys.cli.text import plain
from genesys.errors import GenesysError


def replay(run: Path, out: Path | None) -> None:
    """Hold every session of a run again without asking anybody, and compare the two trees.

    Raises:
        GenesysError: There is no run, the replay asks what the run never asked, or the trees
            differ.
    """
    from genesys.cli.display import Display
    from genesys.evolution.replay import replay

    console = Console()
    folder = out or run.with_name(f"{run.name}-replay")
    with Display(console) as display:
        differences = replay(run, folder, display)
    for difference in differences[:20]:
        console.print(plain(difference))
    if differences:
        raise GenesysError(f"{folder} differs from {run} in {len(differences)} points.")
    console.print(f"{folder} has the same tree as {run}.", soft_wrap=True)
