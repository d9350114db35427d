"""``genesys audit``: whether a run's folder is as it was written."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from rich.console import Console

from genesys.cli.text import plain
from genesys.population.evolution_tree import EvolutionTree
from genesys.population.integrity import contents, references
from genesys.population.ledger import Ledger


def audit(folder: Path) -> int:
    """Print all that does not fit together in a run's folder.

    Returns:
        The exit status: 1 if there is something.

    Raises:
        StoreError: The folder holds no run, or one that cannot be read at all.
    """
    console = Console()
    population, entries = EvolutionTree.read(folder), Ledger.read(folder)
    number = 0
    for fault in chain(references(population), contents(population, folder)):
        console.print(plain(f"✘ {fault}"), soft_wrap=True)
        number += 1
    counts = (
        f"{len(population.designs)} designs, {len(population.sessions)} sessions, "
        f"{len(population.reports)} reports and {len(entries)} entries of the ledger"
    )
    wrong = f"{number} fault{'s' * (number != 1)}" if number else "all fit together"
    console.print(f"{counts}: {wrong}.", soft_wrap=True)
    return int(number > 0)
