"""The GPU benchmark, as far as a CPU can run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_it_prints_a_table() -> None:
    asked = ["--accelerator", "cpu", "--ladder", "nano", "--scales", "0.1M", "--seeds", "gpt2"]
    command = [sys.executable, str(ROOT / "benchmarks/gpu.py"), *asked, "--steps", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *_, head, line, row = done.stdout.splitlines()
    assert head.count("|") == line.count("|") == row.count("|") == 8
    assert row.startswith("| 0.1M | gpt2 | 2 x 64 | 16 |")
