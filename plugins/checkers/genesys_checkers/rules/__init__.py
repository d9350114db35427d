"""The rules of the unit template that show in a file's source (app. B.1.2, fig. 45)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from genesys_checkers.rules.children import declared_and_made, handed_on
from genesys_checkers.rules.construction import base_call, factory_kwargs
from genesys_checkers.rules.finding import Finding
from genesys_checkers.rules.forbidden import forbidden
from genesys_checkers.rules.layers import layers
from genesys_checkers.rules.loops import time_loops
from genesys_checkers.rules.sequential import sequential
from genesys_checkers.rules.signatures import forward, init
from genesys_checkers.rules.source import UnitFile
from genesys_checkers.rules.template import classes
from genesys_checkers.rules.unit_tests import unit_tests

RULES: tuple[Callable[[UnitFile], Iterator[Finding]], ...] = (
    classes,
    init,
    factory_kwargs,
    base_call,
    layers,
    forward,
    unit_tests,
    declared_and_made,
    handed_on,
    sequential,
    forbidden,
    time_loops,
)
