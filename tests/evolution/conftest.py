"""The fake plugins and their seeds."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def fakes() -> ModuleType:
    """The module ``fake_run``, which programs of the tests import, too."""
    spec = importlib.util.spec_from_file_location(
        "fake_run", Path(__file__).with_name("fake_run.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fake_run"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def seeds(fakes: ModuleType, tmp_path: Path) -> list[str]:
    """Paths of two seed folders."""
    paths: list[str] = fakes.write_seeds(tmp_path / "seeds")
    return paths
