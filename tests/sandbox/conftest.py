"""Makes the hostile jobs importable for hosts, and shares one sandbox per file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from genesys.sandbox import Limits, Sandbox

HERE = str(Path(__file__).resolve().parent)


@pytest.fixture(scope="session", autouse=True)
def hostile_path() -> Iterator[None]:
    sys.path.insert(0, HERE)
    yield
    sys.path.remove(HERE)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    # Without torch the host starts in no time; the jobs that need it import it.
    limits = Limits(seconds=20, memory_mb=1024, threads=1)
    with Sandbox(limits, preload=["sandlock"]) as sandbox:
        yield sandbox
