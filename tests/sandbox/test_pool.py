"""Hosts are shared, replaced and cleaned up, whatever ends them."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from genesys.errors import SandboxError
from genesys.sandbox import GuestEnded, GuestError, Job, Limits, Sandbox

from .conftest import CONFINED, HERE, LIMITS, hostile, is_gone, processes, wait_for


@pytest.fixture(params=CONFINED)
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox of the test's own, whose host is the only one here."""
    root = tmp_path / "scratch"
    with Sandbox(LIMITS, root, request.param, workers=2, preload=["numpy"]) as sandbox:
        yield sandbox
    wait_for(lambda: processes() == ([], []))
    assert list(root.iterdir()) == []


def echo(sandbox: Sandbox, **limits: object) -> None:
    with sandbox.open(hostile(sandbox, **limits)) as guest:
        assert guest.call("echo", a=1) == {"a": 1}


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def in_threads(work: Callable[[], None], count: int) -> None:
    """Do the same in several threads at once; what any of them raises is raised here."""
    with ThreadPoolExecutor(count) as pool:
        for future in [pool.submit(work) for _ in range(count)]:
            future.result()


def test_more_threads_than_workers_wait(fresh: Sandbox) -> None:
    in_threads(lambda: [echo(fresh) for _ in range(5)], 4)
    assert 1 <= len(processes()[0]) <= 2


def test_thread_that_would_wait_for_itself_is_told(fresh: Sandbox) -> None:
    with fresh.open(hostile(fresh)), fresh.open(hostile(fresh)) as guest:
        with pytest.raises(RuntimeError, match="workers"), fresh.open(hostile(fresh)):
            pass
        assert guest.call("echo", a=1) == {"a": 1}
    echo(fresh)


def test_workers_run_side_by_side(fresh: Sandbox) -> None:
    meet = threading.Barrier(2, timeout=30)

    def work() -> None:
        with fresh.open(hostile(fresh)) as guest:
            meet.wait()  # both guests are there
            guest.call("execute", code="open('mine', 'w').write('x')")
            meet.wait()
            assert guest.call("facts")["files"] == ["mine"]

    in_threads(work, 2)
    assert len(processes()[0]) == 2


def test_host_outlives_the_thread_that_started_it(fresh: Sandbox) -> None:
    in_threads(lambda: echo(fresh), 1)
    time.sleep(0.2)
    before = processes()[0]
    echo(fresh)
    assert processes()[0] == before


@pytest.mark.parametrize("when", ["idle", "between calls", "in a call"])
def test_host_that_was_killed_is_replaced(fresh: Sandbox, when: str) -> None:
    echo(fresh)
    (host,) = processes()[0]
    if when == "idle":
        host.kill()
    else:
        with pytest.raises(SandboxError, match="host died"), fresh.open(hostile(fresh)) as guest:
            if when == "between calls":
                host.kill()
                guest.call("echo")
            guest.call("tick", lambda _: host.kill())
    echo(fresh)
    assert processes()[0] != [host]


def test_guest_that_was_killed_leaves_its_host(fresh: Sandbox) -> None:
    echo(fresh)
    before = processes()[0]
    with pytest.raises(GuestEnded, match="SIGKILL"), fresh.open(hostile(fresh)) as guest:
        guest.call("tick", lambda _: [process.kill() for process in processes()[1]])
    echo(fresh)
    assert processes()[0] == before


def test_host_that_hangs_is_ended_with_its_guest(fresh: Sandbox) -> None:
    echo(fresh)
    with (
        pytest.raises(SandboxError, match="hangs"),
        fresh.open(hostile(fresh, seconds=0.5)) as guest,
    ):
        (host,), (process,) = processes()
        started = time.monotonic()
        host.suspend()
        guest.call("tick")
    wait_for(lambda: is_gone(process.pid))
    assert time.monotonic() - started < 0.5 + 5
    echo(fresh)


COORDINATOR = """
import signal
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests may run in the background
from genesys.sandbox import Job, Sandbox
job = Job(entry="hostile_jobs:Hostile")
with Sandbox(scratch_root=Path({root!r}), backend={backend!r}, preload={preload}) as sandbox:
    with sandbox.open(job) as guest:
        guest.call("tick", lambda e: print(e, flush=True))
"""


@pytest.mark.parametrize("backend", CONFINED)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_coordinator_that_ends_leaves_nothing(
    how: signal.Signals, backend: str, tmp_path: Path
) -> None:
    code = COORDINATOR.format(here=HERE, root=str(tmp_path), backend=backend, preload=[])
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as coordinator:
        assert coordinator.stdout is not None
        assert ast.literal_eval(coordinator.stdout.readline().decode()) == {}
        below = psutil.Process(coordinator.pid).children(recursive=True)
        coordinator.send_signal(how)
        coordinator.wait(timeout=20)
    assert len(below) >= 2
    wait_for(lambda: all(is_gone(p.pid) for p in below) and list(tmp_path.iterdir()) == [])


@pytest.mark.parametrize("backend", CONFINED)
def test_coordinator_killed_while_the_host_starts_leaves_nothing(
    backend: str, tmp_path: Path
) -> None:
    code = COORDINATOR.format(here=HERE, root=str(tmp_path), backend=backend, preload=["torch"])
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL) as coordinator:
        wait_for(lambda: list(tmp_path.iterdir()))
        time.sleep(0.3)
        coordinator.kill()
    wait_for(lambda: list(tmp_path.iterdir()) == [])


def test_sandbox_that_is_closed_meanwhile_leaves_nothing(fresh: Sandbox) -> None:
    with fresh.open(hostile(fresh)) as guest:
        fresh.close()
        assert guest.call("echo", a=1) == {"a": 1}
    assert processes() == ([], [])


def test_interrupt_in_a_call_ends_the_guest(fresh: Sandbox) -> None:
    echo(fresh)
    # Where tests run in the background it is ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), fresh.open(hostile(fresh)) as guest:
            threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
            guest.call("attempt", wait="time.sleep(15)")
    finally:
        signal.signal(signal.SIGINT, before)
    assert processes()[1] == []
    echo(fresh)


@pytest.mark.parametrize(
    "job",
    [
        Job(entry="no_such_module:Entry"),
        Job(entry="hostile_jobs:Hostile", payload={"x": float("nan")}),
        Job(entry="hostile_jobs:Hostile", payload={"code": "os._exit(1)"}),
        Job(entry="hostile_jobs:Hostile", limits=Limits(seconds=1e-6)),
    ],
)
def test_guest_that_cannot_be_opened_leaves_no_descriptor(job: Job, fresh: Sandbox) -> None:
    echo(fresh)
    before = descriptors()
    for _ in range(3):
        with pytest.raises((GuestError, ValueError)), fresh.open(job):
            pass
    assert descriptors() == before
    assert processes()[1] == []
    echo(fresh)


def test_host_that_cannot_start_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = descriptors()
    failing = Sandbox(scratch_root=tmp_path, preload=["no_such_module"])
    with pytest.raises(SandboxError, match="no_such_module"), failing.open(Job(entry="a:b")):
        pass
    monkeypatch.setattr("sys.executable", "/no/such/python")
    with pytest.raises(SandboxError, match="Cannot start"), failing.open(Job(entry="a:b")):
        pass
    assert descriptors() == before
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_made_is_a_machine_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    failing = Sandbox(scratch_root=tmp_path / "file")
    with pytest.raises(SandboxError, match="Cannot start"), failing.open(Job(entry="a:b")):
        pass


def test_guest_that_cannot_be_confined_is_a_machine_fault(fresh: Sandbox) -> None:
    limits = Limits(cpu_seconds=1e300)
    job = Job(entry="hostile_jobs:Hostile", limits=limits)
    with pytest.raises(SandboxError, match="confined"), fresh.open(job):
        pass
    echo(fresh)


def test_folders_of_one_guest_are_not_for_the_next(fresh: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("canary")
    (tmp_path / "other").mkdir()
    reading = {"text": f"open({str(tmp_path / 'text')!r}).read()"}
    for readable, found in [
        ([str(tmp_path)], "'canary'"),
        ([str(tmp_path / "other")], None),
        ([], None),
    ]:
        with fresh.open(hostile(fresh, readable=readable)) as guest:
            text = guest.call("attempt", **reading)["text"]
        assert text == found if found else text in ("PermissionError", "FileNotFoundError")
