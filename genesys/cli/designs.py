"""Finds the design that a command is about: a seed, a folder, or one of a run."""

from __future__ import annotations

from pathlib import Path

from genesys.cli.runs import find_run, population_of
from genesys.cli.source import Source
from genesys.errors import GenesysError, StoreError, UnknownNameError
from genesys.evolution.seeds import load_seed, seed_names
from genesys.records import Design


def find_design(where: str, run: Path | None = None) -> Design:
    """Read a design; its code is parsed at most, never run.

    Args:
        where: Name of a seed, path of a design folder (or of what else ``genesys check`` takes), or
            name of a design of a run.
        run: The run's folder; then ``where`` is a name in it. Without it names of seeds come
            first, then paths, then the run that was started last.

    Raises:
        UnknownNameError: There is no such design.
        TreeError, UnitError: What lies at the path is no whole design.
        GenesysError: The run or a file cannot be read.
    """
    if run is not None:
        return population_of(run).design(where)
    if where in seed_names():
        return load_seed(where)
    if Path(where).exists():
        return _read(Path(where))
    try:
        newest = find_run(None)
    except StoreError:
        hint = "Or give the path of a design folder, or a design of a run with --run."
        raise UnknownNameError("seed", where, seed_names(), hint) from None
    population = population_of(newest)
    known = {*seed_names(), *(design.name for design in population.designs)}
    if where not in known:
        hint = f"These are the seeds and the designs of {newest}; --run takes another run."
        raise UnknownNameError("design", where, known, hint)
    return population.design(where)


def _read(path: Path) -> Design:
    try:
        return Source.read(path).design
    except (OSError, UnicodeDecodeError) as error:
        raise GenesysError(f"{path} cannot be read: {error}") from None
