"""All checkers, as they are shipped, pass every reference unit in the block it is tried in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from genesys.cli.config import compose
from genesys.gau.reference import hosted, reference_units
from genesys.plugins import Plugins
from genesys.registry import load
from genesys.sandbox import Limits, Sandbox

NAMES = [name for name, unit in reference_units().items() if unit.role != "part"]


@pytest.fixture(scope="module")
def checkers() -> Plugins:
    return load(compose([]), kinds=("checker",))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Limits(threads=1)) as sandbox:
        yield sandbox


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_unit_passes_all_checkers(name: str, checkers: Plugins, sandbox: Sandbox) -> None:
    report = checkers.check(hosted(name).as_design(name), sandbox)
    assert report.valid, report.issues
    assert report.issues == []
    assert report.repairs == []
