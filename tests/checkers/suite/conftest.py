"""The checkers under test, by their config, in one sandbox."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from genesys.cli.config import compose
from genesys.evolution.run import sandbox_of
from genesys.records import CheckReport, Design
from genesys.registry import load

CHECKER = os.environ.get("GENESYS_CHECKER", "symbolic")
Check = Callable[..., CheckReport]


@pytest.fixture(scope="module")
def check() -> Iterator[Check]:
    """Checks a design as ``genesys check`` does; keywords change settings where there are such."""
    config = compose([f"checker={CHECKER}"])
    with sandbox_of(config["sandbox"]) as sandbox:

        def check(design: Design, **changes: Any) -> CheckReport:
            checkers = _changed(config["checker"], changes)
            return load({"checker": checkers}, kinds=("checker",)).check(design, sandbox)

        yield check


def _changed(checker: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The config of one checker, or of several by label, with those settings changed it has."""
    if "name" not in checker:
        return {label: _changed(entry, changes) for label, entry in checker.items()}
    return {**checker, **{key: value for key, value in changes.items() if key in checker}}
