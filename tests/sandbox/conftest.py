"""Makes the hostile entries importable for hosts, and shares sandboxes per file."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from genesys.sandbox import Job, Limits, Sandbox

HERE = str(Path(__file__).resolve().parent)
LIMITS = Limits(seconds=20, memory_mb=1024, threads=1)
CANARY = "canary-7f3a"
CONFINED = ["sandlock", "bubblewrap"]


@pytest.fixture(scope="session", autouse=True)
def hostile_path() -> Iterator[None]:
    sys.path.insert(0, HERE)
    yield
    sys.path.remove(HERE)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    # Without torch the host starts in no time; the entries that need it import it.
    with Sandbox(LIMITS, preload=["numpy"]) as sandbox:
        yield sandbox


@pytest.fixture(scope="module", params=CONFINED)
def confined(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A sandbox under each backend that confines."""
    with Sandbox(LIMITS, backend=request.param, preload=["numpy"]) as sandbox:
        yield sandbox


@pytest.fixture
def bystander() -> Iterator[psutil.Process]:
    """Another process of the same user, with a secret in its environment."""
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(command, env={"KEY": CANARY}) as process:
        found = psutil.Process(process.pid)
        wait_for(lambda: CANARY in str(found.environ()))
        yield found
        process.kill()


def hostile(sandbox: Sandbox, **limits: Any) -> Job:
    """A guest that does what it is told."""
    return Job(entry="hostile_jobs:Hostile", limits=sandbox.limits.model_copy(update=limits))


def attempt(sandbox: Sandbox, **code: str) -> dict[str, Any]:
    """What each expression comes to in one guest: its repr, or the name of the exception."""
    with sandbox.open(hostile(sandbox)) as guest:
        return guest.call("attempt", **code)


def execute(sandbox: Sandbox, code: str, **limits: Any) -> dict[str, Any]:
    """Run statements in a guest; what they put into ``answer`` comes back."""
    with sandbox.open(hostile(sandbox, **limits)) as guest:
        return guest.call("execute", code=code)


def wait_for(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def processes() -> tuple[list[psutil.Process], list[psutil.Process]]:
    """The hosts and guests of this process, found from outside: a namespace has ids of its own."""
    found = [p for p in psutil.Process().children(recursive=True) if _is_python(p)]
    guests = [p for p in found if _parent(p) in found]
    return [p for p in found if p not in guests], guests


def _parent(process: psutil.Process) -> psutil.Process | None:
    try:
        return process.parent()
    except psutil.Error:  # it has just ended
        return None


def _is_python(process: psutil.Process) -> bool:
    try:
        line = process.cmdline()
    except psutil.Error:
        return False
    return "genesys.sandbox.host" in line and "python" in Path(line[0]).name
