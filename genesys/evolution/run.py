"""Puts a run together from its config."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import yaml
from pydantic import Field

from genesys.evolution.budget import Budget, BudgetSettings
from genesys.evolution.control import Control
from genesys.evolution.coordinator import Coordinator
from genesys.evolution.events import Observer
from genesys.evolution.executors.base import Executor, Outfit
from genesys.evolution.ladder import Ladder, LadderSettings
from genesys.evolution.settings import EvolutionSettings, FitnessSettings, settings_of
from genesys.files import write_text
from genesys.plugins import NEEDED
from genesys.population.evolution_tree import EvolutionTree
from genesys.population.files import storing
from genesys.population.ledger import Entry, EntryKind, Ledger
from genesys.population.run_file import flatten
from genesys.records import Record
from genesys.registry import KINDS, load, part
from genesys.sandbox import Backend, Limits, Sandbox

if TYPE_CHECKING:
    from genesys.population.population import Population

CONFIG_FILE = "config.yaml"
# What decides a run's results; the rest says where it runs and how far it goes.
IDENTITY = ("seed", "evolution", "fitness", "ladder", *KINDS)


class SandboxSettings(Record):
    """Config group ``sandbox``; see ``genesys.sandbox.Sandbox``."""

    limits: Limits = Limits()
    backend: Backend = Backend.AUTO
    allow_unconfined: bool = False
    workers: Annotated[int, Field(ge=1)] = 1
    scratch_root: Path | None = None


class RunSettings(Record):
    """What stands in no config group.

    Attributes:
        generations: Of the whole run; None for one more than it has.
        incidental: Dotted keys that decide no result, with all below them.
    """

    generations: Annotated[int, Field(ge=1)] | None = None
    incidental: list[str] = Field(default_factory=list)


def evolve(config: Mapping[str, Any], folder: Path, observe: Observer) -> Population:
    """Start the run in ``folder``, or go on with the one that is there.

    Args:
        config: As composed from ``configs/evolve.yaml``.
        folder: Of the run; made when absent.
        observe: Is told of everything that happens.

    Raises:
        GenesysError: The config cannot work, or something keeps the run from going on.
    """
    settings = EvolutionSettings.of(config.get("evolution"))
    fitness = FitnessSettings.of(config.get("fitness", {}))
    config = {**config, "fitness": fitness.model_dump()}
    ladder = ladder_of(config.get("ladder"))
    caps = BudgetSettings.of(config.get("budget", {}))
    purse = caps.purse
    own = {key: config[key] for key in RunSettings.model_fields if key in config}
    extent = settings_of("evolve", RunSettings, own)
    sandbox = sandbox_of(config.get("sandbox"))
    executor = executor_of(config)
    plugins = load(config)
    plugins.require(*NEEDED)
    plugins.ready()
    with ExitStack() as stack:
        identity = identity_of(config, extent.incidental)
        tree = stack.enter_context(EvolutionTree(folder, identity, purse))
        with storing("write to", folder):
            write_text(folder / CONFIG_FILE, yaml.safe_dump(dict(config), sort_keys=False))
            Control.clear(folder)
        stack.enter_context(sandbox)
        stack.enter_context(_noted(tree.ledger))
        note = partial(_note, tree.ledger)
        outfit = Outfit(config, folder, observe, note, plugins, sandbox, settings)
        stack.enter_context(executor.open(outfit))
        budget = Budget(caps, purse, tree.ledger.entries, ladder.scales)
        coordinator = Coordinator(
            tree, plugins, ladder, sandbox, settings, executor, observe, budget
        )
        return coordinator.run(extent.generations)


def executor_of(config: Mapping[str, Any]) -> Executor:
    """The executor that a config names; it has no workers yet.

    Raises:
        GenesysError: There is no such executor, or it does not take its parameters.
    """
    return cast("Executor", part(config, "executor"))


@contextmanager
def _noted(ledger: Ledger) -> Iterator[None]:
    """Note in the ledger that a coordinator takes the run on, and leaves it."""
    ledger.append(Entry(time=time.time(), kind=EntryKind.OPENED))
    yield
    ledger.append(Entry(time=time.time(), kind=EntryKind.CLOSED))


def _note(ledger: Ledger, worker: str, joined: bool, why: str) -> None:
    kind = EntryKind.JOINED if joined else EntryKind.LEFT
    ledger.append(Entry(time=time.time(), kind=kind, worker=worker, why=why))


def identity_of(config: Mapping[str, Any], incidental: Sequence[str]) -> dict[str, Any]:
    """What decides the run's results, as dotted keys."""
    flat = flatten({key: config.get(key) for key in IDENTITY})
    return {
        key: value
        for key, value in flat.items()
        if not any(key == name or key.startswith(f"{name}.") for name in incidental)
    }


def sandbox_of(config: Any) -> Sandbox:
    """The sandbox of config group ``sandbox``; no process is started yet.

    Raises:
        ConfigError: A key or value is wrong.
    """
    settings = settings_of("sandbox", SandboxSettings, config)
    return Sandbox(
        settings.limits,
        settings.scratch_root,
        settings.backend,
        settings.allow_unconfined,
        settings.workers,
    )


def ladder_of(config: Any) -> Ladder:
    """The ladder of config group ``ladder``.

    Raises:
        ConfigError: A key or scale is wrong, or they make no ladder.
    """
    return settings_of("ladder", LadderSettings, config).ladder()
