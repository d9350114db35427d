"""Checkers, as they are shipped, pass the reference units in the blocks they are tried in.

Every unit is read by the format checker. All checkers see one unit in eight, or every unit with
``GENESYS_ALL_UNITS=1``, which takes minutes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from genesys.cli.config import compose
from genesys.gau.reference import reference_units
from genesys.gau.tree import GAUTree
from genesys.plugins import Plugins
from genesys.records import ErrorKind
from genesys.registry import load
from genesys.sandbox import Limits, Sandbox
from genesys_checkers.format import FormatChecker

from .conftest import host_tree

NAMES = [name for name, unit in reference_units().items() if unit.role != "part"]
EVERY = 1 if os.environ.get("GENESYS_ALL_UNITS") else 8


@pytest.fixture(scope="module")
def checkers() -> Plugins:
    return load(compose([]), kinds=("checker",))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Limits(threads=1)) as sandbox:
        yield sandbox


@pytest.mark.parametrize("name", reference_units())
def test_unit_follows_the_template(name: str) -> None:
    unit = reference_units()[name]
    alone = GAUTree(name, {name: unit.unit}).as_design(name)
    report = FormatChecker(placeholders="warning").check(alone)
    assert {issue.kind for issue in report.issues} <= {ErrorKind.MISSING_UNIT}
    assert report.repairs == []


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES[::EVERY])
def test_unit_passes_all_checkers(name: str, checkers: Plugins, sandbox: Sandbox) -> None:
    report = checkers.check(host_tree(name).as_design(name), sandbox)
    assert report.valid, report.issues
    assert report.issues == []
