"""A guest past its limit is gone with all it started; guests without number leave nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import psutil
import pytest

from genesys.sandbox import GuestEnded, GuestRaised, JobStatus, Sandbox

from .conftest import LIMITS, execute, hostile, processes, wait_for

ALONE = {
    "sleeps": "time.sleep(99)",
    "spins": "while True: pass",
    "ignores signals": "for n in range(1, 65):\n"
    " try: signal.signal(n, signal.SIG_IGN)\n except (OSError, ValueError): pass\n"
    "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: time.sleep(1)",
    "stops itself": "os.kill(os.getpid(), signal.SIGSTOP)",
    "big power": "pow(7, 7**9)",
    "expression": "import re; re.match('(a+)+$', 'a' * 64 + 'b')",
    "native sleep": "ctypes.CDLL(None).usleep(99_000_000)",
    "holds the interpreter": "ctypes.PyDLL(None).usleep(99_000_000)",
    "native loop": "import numpy; a = numpy.ones((6000, 6000))\nwhile True: a @ a",
    "threads": "for _ in range(30):\n"
    " threading.Thread(target=lambda: pow(7, 7**8)).start()\nwhile True: pass",
    "catches all": "while True:\n try:\n  while True: pass\n except BaseException: pass",
    "exits in vain": "import atexit; atexit.register(time.sleep, 99); time.sleep(99)",
}
WITH_CHILDREN = {
    "forks": "for _ in range(5):\n if os.fork() == 0: time.sleep(99)\ntime.sleep(99)",
    "starts programs": "command = 'import time; time.sleep(99)'\n"
    "subprocess.Popen([sys.executable, '-c', command, scratch])\n"
    "time.sleep(99)",
    "daemons": "if os.fork() == 0:\n os.setsid()\n if os.fork() == 0:\n"
    "  signal.signal(signal.SIGTERM, signal.SIG_IGN)\n  time.sleep(99)\n os._exit(0)\n"
    "time.sleep(99)",
    "outlived by a daemon": "if os.fork() == 0:\n os.setsid()\n if os.fork() == 0: time.sleep(99)\n"
    " os._exit(0)\nos._exit(0)",
    "fork bomb": "while True:\n try: os.fork()\n except OSError: pass",
}


@pytest.fixture(scope="module")
def unconfined() -> Iterator[Sandbox]:
    with Sandbox(LIMITS, backend="process", allow_unconfined=True, preload=["numpy"]) as sandbox:
        yield sandbox


def of_hosts() -> set[int]:
    """All processes anywhere that mention our hosts' folders: hosts, guests, what they started."""
    mine = [host.cmdline() for host in processes()[0]]
    bases = [line[line.index("genesys.sandbox.host") + 1] for line in mine]
    found = psutil.process_iter(["cmdline"])
    words = {process.pid: " ".join(process.info["cmdline"] or []) for process in found}
    return {pid for pid, line in words.items() if any(base in line for base in bases)}


def overdue(sandbox: Sandbox, code: str, seconds: float = 0.2) -> float:
    """Run what does not end; returns for how long after its limit any of it was there."""
    execute(sandbox, "pass")
    idle = of_hosts()
    started = time.monotonic()
    with (
        pytest.raises(GuestEnded) as caught,
        sandbox.open(hostile(sandbox, seconds=seconds, memory_mb=2048)) as guest,
    ):
        started = time.monotonic()
        guest.call("execute", code=code)
    assert caught.value.status in (JobStatus.TIMEOUT, JobStatus.CPU, JobStatus.DIED)
    wait_for(lambda: of_hosts() == idle, seconds=10)
    return time.monotonic() - started - seconds


@pytest.mark.parametrize("what", ALONE)
def test_what_does_not_end_is_ended(what: str, confined: Sandbox) -> None:
    assert overdue(confined, ALONE[what]) < 5


@pytest.mark.parametrize("what", ALONE | WITH_CHILDREN)
def test_what_does_not_end_is_ended_without_confinement(what: str, unconfined: Sandbox) -> None:
    code = (ALONE | WITH_CHILDREN)[what]
    assert max(overdue(unconfined, code) for _ in range(2)) < 5


def test_guest_that_is_out_of_time_before_it_begins_is_ended(confined: Sandbox) -> None:
    with (
        pytest.raises(GuestEnded) as caught,
        confined.open(hostile(confined, seconds=1e-6)) as guest,
    ):
        guest.call("execute", code="time.sleep(9)")
    assert caught.value.status is JobStatus.TIMEOUT


def test_time_between_calls_counts(confined: Sandbox) -> None:
    with confined.open(hostile(confined, seconds=0.3)) as guest:
        guest.call("echo", a=1)
        wait_for(lambda: not processes()[1], seconds=5)
        with pytest.raises(GuestEnded, match=r"0\.3 seconds"):
            guest.call("echo", a=1)


def test_many_guests_leave_nothing(confined: Sandbox, count: int = 60) -> None:
    ends = {
        0: "open('x', 'w').write('y')",
        1: "raise ValueError('oh')",
        2: "os._exit(1)",
        3: "write_all(4, b'garbage garbage garbage')",
        4: "threading.Thread(target=time.sleep, args=(99,), daemon=True).start()",
    }
    execute(confined, "pass")
    before = footprint()
    for number in range(count):
        if number % 20 == 19:
            processes()[0][0].kill()
        with confined.open(hostile(confined)) as guest:
            try:
                guest.call("execute", code=ends[number % len(ends)])
            except (GuestEnded, GuestRaised):
                continue
    execute(confined, "pass")
    wait_for(lambda: footprint() == before)


def footprint() -> tuple[int, int, int]:
    """Descriptors of this process, and its hosts and guests."""
    hosts, guests = processes()
    return len(os.listdir("/proc/self/fd")), len(hosts), len(guests)  # noqa: PTH208
