"""A run's config whose plugins are the fakes, as an installed distribution would offer them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # for what the tests share
ENTRIES = """[genesys]
agent.fake = fake_run:Agent
checker.fake = fake_run:Checker
verifier.fake = fake_run:Verifier
agent.slow = slow:Agent
verifier.slow = slow:Verifier
"""


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fakes are found by name here and in the processes of workers."""
    distribution = tmp_path / "site" / "genesys_fakes-1.dist-info"
    distribution.mkdir(parents=True)
    (distribution / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: genesys-fakes\nVersion: 1\n"
    )
    (distribution / "entry_points.txt").write_text(ENTRIES)
    paths = [str(distribution.parent), str(HERE), str(HERE.parent)]
    for path in paths:
        monkeypatch.syspath_prepend(path)
    monkeypatch.setenv("PYTHONPATH", ":".join(paths))


@pytest.fixture
def config(fakes: ModuleType, seeds: list[str]) -> dict[str, Any]:
    """Of a run with the fakes."""
    return {
        "evolution": fakes.settings(seeds).model_dump(),
        "agent": {"name": "fake"},
        "checker": {"name": "fake"},
        "verifier": {"name": "fake"},
        "knowledge": {"name": "memory"},
        "sandbox": {},
    }
