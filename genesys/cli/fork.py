"""``genesys fork``: a new run from a run's tree, with a config of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from genesys.cli.config import NAME, plain, search_path
from genesys.cli.steering import config_of
from genesys.cli.text import plain as literal
from genesys.errors import ConfigError
from genesys.evolution.fork import Moment
from genesys.population.comparison.runs import CHOICES
from genesys.resources import resource

EXPERIMENT = "experiment"  # the group that decides on all others
_USED = re.compile(r"\$\{([\w.]+)\}")
_ABSENT = object()


def fork(source: Path, out: Path, overrides: Sequence[str], moment: Moment) -> None:
    """Fork a run, and say how to go on with the new one.

    Args:
        source: Folder of the run.
        out: Of the new one, new or empty.
        overrides: Of the run's config.
        moment: Which of its states to take.

    Raises:
        GenesysError: The run cannot be forked so.
    """
    from genesys.evolution.fork import fork

    config = changed(config_of(source), overrides) | {"name": out.name, "folder": str(out)}
    made = fork(source, out, config, moment).forked_from
    assert made is not None
    told = f"Forked {made.designs} new designs, {made.sessions} sessions and {made.reports} reports"
    Console().print(
        literal(f"{told} to {out}. `genesys resume {out}` goes on with them."), soft_wrap=True
    )


def changed(config: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """The config of a run with overrides: what they name changes, and what hangs off that.

    A group is taken whole, so that nothing of the one before is left in it. An experiment decides
    on all groups, so nothing of the run's config is left then.

    Args:
        config: Of the run, as plain data.
        overrides: As Hydra takes them.

    Raises:
        ConfigError: Hydra does not take them.
    """
    if not overrides:
        return dict(config)
    names = _named(overrides)
    if EXPERIMENT in names:
        return _composed(overrides)[0]
    result: dict[str, Any] = _copy(config)
    known = result.get(CHOICES) or {}
    before = [f"{group}={_value(chosen)}" for group, chosen in known.items() if group not in names]
    composed, raw, choices = _composed([*before, *overrides])
    pending = [name.replace("/", ".") for name in names]
    done: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in done:
            done.add(name)
            _put(result, name, _get(composed, name))
            pending += [key for key, used in _interpolated(raw) if _touch(name, used)]
    if known:
        known |= {name: choices[name] for name in names if name in choices}
    return result


def _named(overrides: Sequence[str]) -> list[str]:
    """The keys and groups that are overridden."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
    except HydraException as error:
        raise ConfigError(str(error)) from None
    return [override.key_or_group for override in parsed]


def _value(chosen: Any) -> str:
    return f"[{','.join(map(str, chosen))}]" if isinstance(chosen, list) else str(chosen)


def _composed(
    overrides: Sequence[str],
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The config with these overrides, the same unresolved, and what was chosen of each group."""
    from hydra import compose, initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf import OmegaConf, open_dict
    from omegaconf.errors import OmegaConfBaseException

    try:
        with initialize_config_dir(str(resource("configs")), version_base="1.3"):
            config = compose(NAME, [*search_path(), *overrides], return_hydra_config=True)
        choices = OmegaConf.to_container(config.hydra.runtime.choices)
        with open_dict(config):
            del config["hydra"]
        raw = OmegaConf.to_container(config, resolve=False)
        assert isinstance(raw, dict) and isinstance(choices, dict)
        return plain(config), _texts(raw), _texts(choices)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(str(error)) from None


def _texts(data: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in data.items()}


def _interpolated(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """The keys whose values are made of others, with the others."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _interpolated(each, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for each in value:
            yield from ((key, used) for _, used in _interpolated(each, key))
    elif isinstance(value, str):
        yield from ((key, used) for used in _USED.findall(value))


def _touch(name: str, used: str) -> bool:
    """Whether a change of one key is one of the other."""
    return f"{name}.".startswith(f"{used}.") or f"{used}.".startswith(f"{name}.")


def _copy(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {key: _copy(each) for key, each in value.items()}


def _get(config: Any, name: str) -> Any:
    for key in name.split("."):
        if not isinstance(config, dict) or key not in config:
            return _ABSENT
        config = config[key]
    return config


def _put(config: dict[str, Any], name: str, value: Any) -> None:
    *path, last = name.split(".")
    for key in path:
        below = config.get(key)
        if not isinstance(below, dict):
            below = config[key] = {}
        config = below
    if value is _ABSENT:
        config.pop(last, None)
    else:
        config[last] = value
