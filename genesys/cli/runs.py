"""Finds the run that a command is about."""

from __future__ import annotations

from pathlib import Path

from genesys.errors import StoreError
from genesys.population.population import Population
from genesys.population.run_file import FILE

RUNS = Path("runs")


def find_run(folder: Path | None) -> Path:
    """``folder`` itself, or the run below ``runs/`` that was started last.

    Raises:
        StoreError: No folder is given and there is no run.
    """
    if folder is not None:
        return folder
    from genesys.evolution.overview import find_runs

    found = [run / FILE for run in find_runs(RUNS) if (run / FILE).is_file()]
    if not found:
        raise StoreError(
            f"There is no run below {RUNS.absolute()}. Start one with `genesys evolve`, or name "
            "the folder of one with --run."
        )
    return max(found, key=lambda file: file.stat().st_mtime).parent


def population_of(folder: Path | None) -> Population:
    """The population of a run; see :func:`find_run`.

    Raises:
        StoreError: There is no run, or it cannot be read.
    """
    from genesys.population.evolution_tree import EvolutionTree

    return EvolutionTree.read(find_run(folder))
