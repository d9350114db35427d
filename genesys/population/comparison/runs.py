"""What a comparison needs to know of a run, and which runs it can do nothing with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from genesys.errors import StoreError
from genesys.population.evolution_tree import EvolutionTree
from genesys.population.ledger import EntryKind, Ledger
from genesys.population.metrics.of_run import of_run
from genesys.population.metrics.progress import Progress, progress, windows
from genesys.population.population import Population
from genesys.population.run_file import RunFile

CONFIG_FILE = "config.yaml"
CHOICES = "choices"  # the key of that file with what was chosen of each config group
FIRST = "experiment"  # of the groups, the one that says most
LEAST = 3  # generations that have a progress


@dataclass(frozen=True)
class Run:
    """A run that can be compared.

    Attributes:
        folder: Its path, relative to the folder that is looked into.
        seed: Its seed.
        settings: What was chosen of each config group, the experiment first, and after that all
            that decides its results, by dotted keys.
        designs: Verified designs that count.
        windows: Their fitness, by generation.
        progress: What became of the mean fitness.
        errors: Share of the new designs that failed verification by their own fault (table 3).
        simulated: Whether a verification trained nothing.
    """

    folder: str
    seed: int
    settings: Mapping[str, str]
    designs: int
    windows: list[list[float]]
    progress: Progress
    errors: float | None
    simulated: bool


@dataclass(frozen=True)
class LeftOut:
    """A run that cannot be compared, and why."""

    folder: str
    reason: str


def read_run(folder: Path, name: str, size: int, step: int, most: int | None) -> Run | LeftOut:
    """Read a run folder.

    Args:
        folder: Of the run.
        name: That it is to have.
        size: Designs in a generation.
        step: Designs between the beginnings of two generations.
        most: Only so many verified designs count, the first; None for all.
    """
    try:
        file, entries = RunFile.load(folder), Ledger.read(folder)
        population = EvolutionTree.read(folder)
        choices = _choices(folder)
    except StoreError as error:
        return LeftOut(name, str(error))
    designs = of_run(population).designs
    verified = designs["fitness"].drop_null().length()
    ends = [entry.kind for entry in entries if entry.kind in {EntryKind.OPENED, EntryKind.CLOSED}]
    if ends and ends[-1] is EntryKind.OPENED:
        return LeftOut(name, f"has not ended: {verified} designs verified so far")
    if missing := _missing(file, population):
        return LeftOut(name, f"was stopped: {missing}")
    if most is not None:
        if verified < most:
            return LeftOut(name, f"is too short: {verified} of {most} designs verified")
        known = designs.filter(designs["fitness"].is_valid())
        designs = known.slice(0, most)
    found = windows(designs, size, step)
    told = progress([sum(window) / len(window) for window in found])
    if told is None:
        return LeftOut(
            name,
            f"is too short: {verified} verified designs make {len(found)} generations of {size} "
            f"designs in steps of {step}, {LEAST} are needed",
        )
    return Run(
        folder=name,
        seed=int(file.config.get("seed", 0)),
        settings=choices | {key: _told(value) for key, value in file.config.items()},
        designs=designs["fitness"].drop_null().length(),
        windows=found,
        progress=told,
        errors=_errors(population),
        simulated=population.simulated,
    )


def _choices(folder: Path) -> dict[str, str]:
    """What was chosen of each config group; nothing for a run that says nothing of it."""
    path = folder / CONFIG_FILE
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
        chosen = dict(config.get(CHOICES) or {})
    except (OSError, ValueError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise StoreError(f"{path} cannot be read or is damaged: {error}") from None
    order = sorted(chosen, key=lambda group: (group != FIRST, list(chosen).index(group)))
    return {group: _told(chosen[group]) for group in order}


def _told(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _missing(file: RunFile, population: Population) -> str:
    """What a run lacks that has ended before its time; empty if it lacks nothing."""
    wanted = file.generation * int(file.config.get("evolution.designs", 0))
    most = file.generation * int(file.config.get("evolution.max_sessions", 0))
    made = population.sound_children
    held = len(population.sessions)
    return "" if made >= wanted or held >= most else f"{made} of {wanted} designs made"


def _errors(population: Population) -> float | None:
    failed = [population.is_erroneous(design.name) for design in population.children]
    tried = [
        erroneous
        for erroneous, design in zip(failed, population.children, strict=True)
        if erroneous or population.confidence(design.name)
    ]
    return sum(tried) / len(tried) if tried else None
