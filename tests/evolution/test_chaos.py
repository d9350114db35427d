"""A run whose workers and coordinator are killed at random loses nothing and does nothing twice."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import psutil
import pytest

# GENESYS_CHAOS=1000 for the run of docs/evolution.md, which takes a quarter of an hour.
DESIGNS = int(os.environ.get("GENESYS_CHAOS", "12"))
RUNGS = [20, 8, 3, 1]  # of the small run
LARGE = 100


@pytest.fixture(scope="module")
def chaos() -> ModuleType:
    path = Path(__file__).with_name("chaos.py")
    spec = importlib.util.spec_from_file_location("chaos", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_nothing_is_lost_and_nothing_done_twice(chaos: ModuleType, tmp_path: Path) -> None:
    overrides = ["executor=local", "executor.designers=2", "executor.verifiers=3"]
    if DESIGNS >= LARGE:
        overrides = ["executor=local", "executor.designers=3", "executor.verifiers=5"]
    rungs = RUNGS if DESIGNS < LARGE else [DESIGNS * 112 // 100 // 2**n for n in range(4)]
    overrides += [f"ladder.scales.{n}.trials={trials}" for n, trials in enumerate(rungs)]
    folder = tmp_path / "run"
    kills = chaos.disturbed(folder, DESIGNS, overrides)
    assert kills["worker"]
    assert chaos.faults(folder, DESIGNS) == []
    left = [p for p in psutil.process_iter(["cmdline"]) if str(folder) in str(p.info["cmdline"])]
    assert not left
