"""Puts a run together from its config."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from genesys.errors import ConfigError
from genesys.evolution.coordinator import Coordinator
from genesys.evolution.events import Observer
from genesys.evolution.ladder import Ladder
from genesys.evolution.settings import EvolutionSettings
from genesys.plugins import HOOKS
from genesys.population.evolution_tree import EvolutionTree
from genesys.population.files import storing, write_atomic
from genesys.records import Scale
from genesys.registry import KINDS, load
from genesys.sandbox import Limits, Sandbox

if TYPE_CHECKING:
    from genesys.population.population import Population

CONFIG_FILE = "config.yaml"
# What decides a run's results; the rest says where it runs and how far it goes.
IDENTITY = ("seed", "evolution", "ladder", *KINDS)


def evolve(config: Mapping[str, Any], folder: Path, observe: Observer) -> Population:
    """Start the run in ``folder``, or go on with the one that is there.

    Args:
        config: As composed from ``configs/evolve.yaml``.
        folder: Of the run; made when absent.
        observe: Is told of everything that happens.

    Raises:
        GenesysError: The config cannot work, or something keeps the run from going on.
    """
    settings = EvolutionSettings.of(config["evolution"])
    ladder = ladder_of(config["ladder"])
    plugins = load(config)
    plugins.require(*HOOKS)
    with ExitStack() as stack:
        tree = stack.enter_context(EvolutionTree(folder, {k: config[k] for k in IDENTITY}))
        with storing("write", folder):
            write_atomic(folder / CONFIG_FILE, yaml.safe_dump(dict(config), sort_keys=False))
        sandbox = stack.enter_context(sandbox_of(config["sandbox"]))
        coordinator = Coordinator(tree, plugins, ladder, sandbox, settings, observe)
        return coordinator.run(config["generations"])


def sandbox_of(config: Mapping[str, Any]) -> Sandbox:
    """The sandbox of config group ``sandbox``.

    Raises:
        ConfigError: A key or value is wrong.
    """
    known = {"limits", "confinement", "scratch_root"}
    if unknown := sorted(set(config) - known):
        raise ConfigError(f"Config group 'sandbox' has no {unknown[0]!r}; {', '.join(known)}.")
    root = config.get("scratch_root")
    try:
        limits = Limits.model_validate(config.get("limits") or {})
        return Sandbox(limits, Path(root) if root else None, config.get("confinement", "required"))
    except (ValidationError, ValueError) as error:
        raise ConfigError(f"Config group 'sandbox': {error}") from None


def ladder_of(config: Mapping[str, Any]) -> Ladder:
    """The ladder of config group ``ladder``.

    Raises:
        ConfigError: A scale is wrong, or they make no ladder.
    """
    try:
        return Ladder([Scale.model_validate(scale) for scale in config.get("scales") or []])
    except ValidationError as error:
        raise ConfigError(f"Config group 'ladder': {error}") from None
