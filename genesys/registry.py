"""From names in a config to plugins: lazily, through entry points.

Built-ins and third-party plugins come through the same door: an entry ``<kind>.<name>`` in the
entry-point group ``genesys`` of their distribution. Nothing is imported that the config does not
name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast, get_type_hints

from genesys.errors import ConfigError, GenesysError, PluginError, UnknownNameError
from genesys.packages import imported
from genesys.plugins import SEARCH_SECONDS, Plugins

GROUP = "genesys"
KINDS = ("selector", "agent", "checker", "knowledge", "verifier")
# A run may have none of these.
OPTIONAL = frozenset({"knowledge"})
# Plugins that implement no hook: they are parts of those that do.
PARTS = ("corpus", "logger", "executor")


@dataclass(frozen=True)
class Installed:
    """A plugin that some distribution offers.

    Attributes:
        kind: One of ``KINDS`` or ``PARTS``.
        name: Its name in configs.
        distribution: Who ships it, with the version.
        target: ``module:object``; not imported yet.
    """

    kind: str
    name: str
    distribution: str
    target: str


def installed() -> list[Installed]:
    """All plugins on offer, by kind and name. Imports none of them."""
    found = [_describe(point) for point in entry_points(group=GROUP)]
    order = {kind: position for position, kind in enumerate((*KINDS, *PARTS))}
    return sorted(found, key=lambda p: (order.get(p.kind, len(order)), p.kind, p.name))


def load(
    config: Mapping[str, Any],
    kinds: Sequence[str] = KINDS,
    others: Mapping[str, object] | None = None,
) -> Plugins:
    """Build the plugins that a config names.

    Args:
        config: For each kind either one plugin, ``{"name": ..., **parameters}``, or several under
            labels of their own, ``{"memory": {"name": "memory"}, ...}``. There may be no
            ``knowledge``. ``search_seconds`` is how long its plugins are waited for.
        kinds: The kinds to build.
        others: Plugins that are built already, by their labels; they are asked first.

    Raises:
        UnknownNameError: No distribution offers a plugin of that kind and name.
        ConfigError: A plugin does not take a parameter or its value.
        PluginError: A plugin cannot be imported or built, or implements no hook.
    """
    instances: dict[str, object] = {}
    for kind in kinds:
        for entry in _entries(kind, config.get(kind)):
            parameters = {key: value for key, value in entry.items() if key != "name"}
            label = f"{kind}.{entry['name']}"
            if label in instances:
                raise ConfigError(f"The config names {label} twice.")
            instances[label] = _build(label, _find(kind, str(entry["name"])), parameters)
    return Plugins({**(others or {}), **instances}, _search_seconds(config))


def part(config: Mapping[str, Any], kind: str) -> object:
    """Build the one plugin of a kind in ``PARTS`` that a config names.

    Args:
        config: For the kind, ``{"name": ..., **parameters}``.
        kind: The kind to build.

    Raises:
        UnknownNameError: No distribution offers a plugin of that kind and name.
        ConfigError: There is not one of them, or it does not take a parameter or its value.
        PluginError: It cannot be imported or built.
    """
    entries = _entries(kind, config.get(kind))
    if len(entries) != 1:
        raise ConfigError(f"{kind} must be one mapping with the plugin's 'name'.")
    parameters = {key: value for key, value in entries[0].items() if key != "name"}
    name = str(entries[0]["name"])
    return _build(f"{kind}.{name}", _find(kind, name), parameters)


def _search_seconds(config: Mapping[str, Any]) -> float:
    seconds = config.get("search_seconds", SEARCH_SECONDS)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise ConfigError(f"search_seconds must be a number above 0, got {seconds!r}.")
    return float(seconds)


def _describe(point: EntryPoint) -> Installed:
    kind, _, name = point.name.partition(".")
    owner = f"{point.dist.name} {point.dist.version}" if point.dist else "unknown"
    return Installed(kind, name, owner, point.value)


def _entries(kind: str, value: Any) -> list[Mapping[str, Any]]:
    if value is None and kind in OPTIONAL:
        return []
    if value is None:
        raise ConfigError(f"The config names no {kind}; add e.g. {kind}=<name>.")
    if not isinstance(value, Mapping):
        raise ConfigError(f"{kind} must be a mapping with the plugin's 'name', got {value!r}.")
    entries = [value] if "name" in value else list(value.values())
    for entry in entries:
        if not (isinstance(entry, Mapping) and isinstance(entry.get("name"), str)):
            raise ConfigError(f"{kind} must be a mapping with the plugin's 'name', got {entry!r}.")
    return entries


def _find(kind: str, name: str) -> EntryPoint:
    points = [p for p in entry_points(group=GROUP) if p.name == f"{kind}.{name}"]
    if not points:
        known = [p.name for p in installed() if p.kind == kind]
        raise UnknownNameError(kind, name, known, "Install the package that has it.")
    if len({p.value for p in points}) > 1:
        owners = " and ".join(sorted(_describe(p).distribution for p in points))
        raise ConfigError(f"Both {owners} offer a {kind} named {name!r}; uninstall one.")
    return points[0]


def _build(label: str, point: EntryPoint, parameters: dict[str, Any]) -> object:
    from pydantic import ValidationError

    from genesys.records import first_problem

    factory = imported(point, f"Plugin {label} of {_describe(point).distribution}")
    if not callable(factory):
        raise PluginError(f"Plugin {label}: {point.value!r} is neither a class nor a function.")
    _check_parameters(label, factory, parameters)
    try:
        return cast("object", factory(**parameters))
    except GenesysError:
        raise
    except ValidationError as error:
        raise ConfigError(f"{label}: {first_problem(error)}") from None
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{label}: {error}") from error
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise PluginError(f"Plugin {label} cannot be built: {what}") from error


def _check_parameters(label: str, factory: Callable[..., Any], parameters: dict[str, Any]) -> None:
    from typeguard import TypeCheckError, check_type

    accepted = inspect.signature(factory).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in accepted.values()):
        for name in parameters:
            if name not in accepted:
                raise UnknownNameError(f"parameter of {label}", name, accepted)
    for name, parameter in accepted.items():
        if parameter.default is parameter.empty and name not in parameters:
            if parameter.kind in {parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL}:
                continue
            raise ConfigError(f"{label} needs the parameter {name!r}.")
    try:
        hints = get_type_hints(factory.__init__ if inspect.isclass(factory) else factory)
    except NameError:  # annotated with names that exist for type checkers only
        hints = {}
    for name, value in parameters.items():
        try:
            check_type(value, hints.get(name, Any))
        except TypeCheckError as error:
            raise ConfigError(f"{label}.{name} = {value!r}: {error}") from None
