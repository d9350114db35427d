"""Composes configs with Hydra, those of other distributions included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from genesys.errors import ConfigError
from genesys.records import CheckReport, Design
from genesys.resources import resource

if TYPE_CHECKING:
    from omegaconf import DictConfig

GROUP = "genesys.configs"
NAME = "evolve"


def search_path() -> list[str]:
    """The override that adds the config packages of other distributions to Hydra's search path.

    A distribution names its package in an entry of the group ``genesys.configs``.
    """
    packages = sorted({point.value for point in entry_points(group=GROUP)})
    if not packages:
        return []
    return [f"hydra.searchpath=[{','.join(f'pkg://{package}' for package in packages)}]"]


def compose(overrides: Sequence[str]) -> dict[str, Any]:
    """The config of a run with these overrides.

    Raises:
        ConfigError: Hydra cannot compose it.
    """
    from hydra import compose, initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        with initialize_config_dir(str(resource("configs")), version_base="1.3"):
            config = compose(NAME, [*search_path(), *overrides])
        return plain(config)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(str(error)) from None


def plain(config: DictConfig) -> dict[str, Any]:
    """A config as plain data, interpolations resolved."""
    from omegaconf import OmegaConf

    data = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(data, dict)
    return {str(key): value for key, value in data.items()}


def checker_of(overrides: Sequence[str]) -> Callable[[Design], CheckReport]:
    """What the configured checkers say, each time from a sandbox of its own.

    The config is composed when the function is called, which raises ``GenesysError`` when the
    config, a plugin or the sandbox cannot be had.
    """

    def check(design: Design) -> CheckReport:
        from genesys.evolution.run import sandbox_of
        from genesys.registry import load

        config = compose(overrides)
        plugins = load(config, kinds=("checker",))
        plugins.require("check")
        with sandbox_of(config.get("sandbox")) as sandbox:
            return plugins.check(design, sandbox)

    return check
