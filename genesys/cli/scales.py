"""The override ``scale=NAME``, which commands about one design take beside those of the config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from genesys.cli.config import compose
from genesys.errors import UnknownNameError
from genesys.evolution.run import ladder_of
from genesys.records import Scale


def compose_with_scale(overrides: Sequence[str]) -> dict[str, Any]:
    """The config with these overrides, to which ``scale=NAME`` adds a key.

    Raises:
        ConfigError: Hydra cannot compose it.
    """
    return compose([f"+{o}" if o.startswith("scale=") else o for o in overrides])


def scales_of(config: Mapping[str, Any]) -> list[Scale]:
    """The scale that was asked for, or else all of the ladder, smallest first.

    Raises:
        UnknownNameError: The ladder has no such scale.
        ConfigError: The ladder is wrong.
    """
    scales = {scale.name: scale for scale in ladder_of(config.get("ladder")).scales}
    if "scale" not in config:
        return list(scales.values())
    name = str(config["scale"])
    if name not in scales:
        hint = "These are the scales of the ladder; ladder=NAME takes another ladder."
        raise UnknownNameError("scale", name, scales, hint)
    return [scales[name]]
