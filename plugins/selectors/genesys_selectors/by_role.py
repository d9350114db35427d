"""One selector for designers, another for verifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from genesys.errors import ConfigError
from genesys.markers import hookimpl
from genesys.population.population import Population
from genesys.records import Role, Selection
from genesys.registry import load


class ByRoleSelector:
    """Asks each role's own selector, so that their settings, too, can differ.

    Args:
        designer: The selector that designers ask, ``{"name": ..., **parameters}``.
        verifier: The one that verifiers ask.

    Raises:
        UnknownNameError: There is no selector of that name.
        ConfigError: One does not take its parameters, or is this one again.
    """

    def __init__(self, designer: Mapping[str, Any], verifier: Mapping[str, Any]) -> None:
        self._selectors = {}
        for role, entry in ((Role.DESIGNER, designer), (Role.VERIFIER, verifier)):
            if entry.get("name") == "by_role":
                raise ConfigError(f"selector.{role} is by_role again; name one that picks.")
            self._selectors[role] = load({"selector": entry}, kinds=["selector"])
            self._selectors[role].require("select")

    @hookimpl
    def select(
        self, population: Population, role: Role, candidates: Sequence[str], rng: Random
    ) -> Selection | None:
        """See ``genesys.hookspecs.select``."""
        return self._selectors[role].select(population, role, candidates, rng)
