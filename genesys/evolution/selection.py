"""Asks the selector, and holds it to its contract."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING

from genesys.errors import PluginError
from genesys.records import Operator, Role, Selection

if TYPE_CHECKING:
    from genesys.plugins import Plugins
    from genesys.population.population import Population


def select(
    plugins: Plugins, population: Population, role: Role, candidates: Sequence[str], rng: Random
) -> Selection | None:
    """What the selector picks for a role.

    Raises:
        PluginError: It picked outside the candidates, an operator that is not the role's, or a
            number of designs that the operator cannot use.
    """
    selection = plugins.select(population, role, candidates, rng)
    if selection is None:
        return None
    if (selection.operator is Operator.SEED) != (role is Role.VERIFIER):
        raise PluginError(f"The selector picked the operator {selection.operator} for a {role}.")
    count = len(selection.designs)
    fits = {
        Operator.SEED: count == 1,
        Operator.MUTATION: count == 1,
        Operator.CROSSOVER: count >= 2 and len(set(selection.designs)) == count,
        Operator.SCRATCH: count == 0,
    }
    if not fits[selection.operator]:
        raise PluginError(f"The selector picked {count} designs for {selection.operator}.")
    if strangers := sorted(set(selection.designs + selection.references) - set(candidates)):
        raise PluginError(f"The selector picked {strangers[0]!r}, which is not a candidate.")
    return selection
