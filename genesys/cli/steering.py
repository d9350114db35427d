"""``genesys pause``, ``resume``, ``stop`` and ``workers``: what a person wants of a run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from genesys.cli.errors import INTERRUPTED
from genesys.cli.text import plain
from genesys.errors import ConfigError, StoreError
from genesys.evolution.control import Control, Wish
from genesys.evolution.overview import live
from genesys.evolution.run import CONFIG_FILE
from genesys.population.holder import holder_of
from genesys.population.ledger import EntryKind, Ledger
from genesys.population.run_file import RunFile

WAIT_SECONDS = 0.5  # between looks
TOLD = {
    Wish.PAUSE: "begins no further job; those under way go on. `genesys resume` lets it go on",
    Wish.STOP: "ends once the jobs under way have",
}


def want(folder: Path, wish: Wish, wait: bool = False) -> None:
    """Have a run pause or stop.

    Args:
        folder: Of the run.
        wish: Which.
        wait: Whether to wait until it has.

    Raises:
        StoreError: There is no such run, or nobody works on it.
    """
    holder = live(folder)
    Control.read(folder).model_copy(update={"wish": wish}).save(folder)
    _say(f"{folder} ({holder}) {TOLD[wish]}.")
    while wait and holder_of(folder) and (wish is Wish.STOP or _under_way(folder)):
        time.sleep(WAIT_SECONDS)


def resume(folder: Path) -> int:
    """Go on with a run: one that is paused in its process, any other in this one.

    Returns:
        The exit status: 130 when interrupted.

    Raises:
        GenesysError: There is no such run, or something keeps it from going on.
    """
    RunFile.load(folder)
    if holder := holder_of(folder):
        Control.read(folder).model_copy(update={"wish": Wish.RUN}).save(folder)
        _say(f"{folder} ({holder}) goes on.")
        return 0
    from omegaconf import OmegaConf

    from genesys.cli.evolve import run

    config = config_of(folder) | {"folder": str(folder)}
    try:
        run(OmegaConf.create(_escaped(config)), folder)
    except KeyboardInterrupt:
        Console(stderr=True).print("Interrupted. The same command goes on where this one stopped.")
        return INTERRUPTED
    return 0


def workers(folder: Path, designers: int | None, verifiers: int | None) -> None:
    """Have a run go on with other numbers of workers.

    Args:
        folder: Of the run.
        designers: Workers that design; None for as many as before.
        verifiers: Workers that verify; None for as many as before.

    Raises:
        ConfigError: No number is given, or the run has no workers of its own.
        StoreError: There is no such run, or nobody works on it.
    """
    if designers is None and verifiers is None:
        raise ConfigError("Give --designers, --verifiers, or both.")
    if not designers and not verifiers and None not in (designers, verifiers):
        raise ConfigError("Without any workers nothing is done; `genesys pause` is for that.")
    live(folder)
    executor = (config_of(folder).get("executor") or {}).get("name", "inline")
    if executor == "inline":
        raise ConfigError(
            f"{folder} has no workers: executor=inline does one job after the other. Stop it, and "
            "go on with the same command and executor=local."
        )
    told = {"designers": designers, "verifiers": verifiers}
    wanted = {name: number for name, number in told.items() if number is not None}
    Control.read(folder).model_copy(update=wanted).save(folder)
    _say(f"{folder} goes on with {' and '.join(f'{n} {name}' for name, n in wanted.items())}.")


def config_of(folder: Path) -> dict[str, Any]:
    """The config that a run was last opened with.

    Raises:
        StoreError: There is none, or it cannot be read.
    """
    path = folder / CONFIG_FILE
    try:
        config = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise StoreError(
            f"{folder} has no {CONFIG_FILE}: it is no run of genesys evolve."
        ) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from None
    if not isinstance(config, dict):
        raise StoreError(f"{path} is no config.")
    return config


def _under_way(folder: Path) -> bool:
    """Whether a job was begun that has not ended."""
    jobs: set[int | None] = set()
    for entry in Ledger.read(folder):
        if entry.kind is EntryKind.BEGUN:
            jobs.add(entry.job)
        elif entry.kind is EntryKind.ENDED:
            jobs.discard(entry.job)
    return bool(jobs)


def _escaped(value: Any) -> Any:
    """Plain data in which nothing is an interpolation: it was resolved when it was written."""
    if isinstance(value, dict):
        return {key: _escaped(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_escaped(each) for each in value]
    return value.replace("${", "\\${") if isinstance(value, str) else value


def _say(text: str) -> None:
    Console().print(plain(text), soft_wrap=True)
