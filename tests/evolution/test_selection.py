"""What a selector may answer."""

from __future__ import annotations

from random import Random
from types import ModuleType
from typing import Any

import pytest

from genesys.errors import PluginError
from genesys.evolution.seeds import load_seed
from genesys.evolution.selection import select
from genesys.markers import hookimpl
from genesys.population.population import Population
from genesys.records import Operator, Role, Selection


class Selector:
    """Picks what it is told to."""

    def __init__(self, selection: Selection) -> None:
        self.selection = selection

    @hookimpl
    def select(self) -> Selection:
        return self.selection


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(operator=Operator.MUTATION, designs=["nobody"]), "'nobody', which is not"),
        (Selection(operator=Operator.MUTATION, designs=[]), "0 designs for mutation"),
        (Selection(operator=Operator.CROSSOVER, designs=["seed1001"] * 2), "2 designs for cross"),
        (Selection(operator=Operator.SCRATCH, designs=["seed1001"]), "1 designs for scratch"),
        (Selection(operator=Operator.SEED, designs=["seed1001"]), "operator seed for a designer"),
    ],
)
def test_a_selector_is_held_to_its_contract(
    selection: Selection, message: str, fakes: ModuleType, seeds: list[str]
) -> None:
    designs = [load_seed(path) for path in seeds]
    plugins: Any = fakes.plugins(selector=Selector(selection))
    candidates = [design.name for design in designs]
    with pytest.raises(PluginError, match=message):
        select(plugins, Population(designs), Role.DESIGNER, candidates, Random(0))
