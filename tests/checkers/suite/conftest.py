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


@pytest.fixture(scope="session")
def check() -> Iterator[Check]:
    """Checks a design as ``genesys check`` does; keywords change settings where there are such."""
    config = compose([f"checker={CHECKER}"])
    with sandbox_of(config["sandbox"]) as sandbox:

        def check(design: Design, **changes: Any) -> CheckReport:
            checkers = {
                label: {**entry, **{k: v for k, v in changes.items() if k in entry}}
                for label, entry in config["checker"].items()
            }
            plugins = load({"checker": checkers}, kinds=("checker",))
            return plugins.check(design, sandbox)

        yield check
