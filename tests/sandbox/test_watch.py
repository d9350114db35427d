"""Whose fault it is when a guest is out of time: its own, or that of a machine that is too busy."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from genesys.errors import SandboxError
from genesys.sandbox import GuestEnded, JobStatus, Limits, Sandbox, watch
from genesys.sandbox.process import HostProcess
from genesys.sandbox.watch import STARVED, Watch, is_starved

from .conftest import execute

Start = Callable[[str], int]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts processes that all have to share one processor; gives their ids."""
    core = min(os.sched_getaffinity(0))
    with ExitStack() as stack:

        def start(code: str) -> int:
            process = subprocess.Popen([sys.executable, "-S", "-c", code])
            stack.callback(process.wait)
            stack.callback(process.kill)
            os.sched_setaffinity(process.pid, [core])
            return process.pid

        yield start


@pytest.mark.parametrize(
    ("code", "end"),
    [("while True: pass", STARVED), ("import time; time.sleep(99)", JobStatus.TIMEOUT)],
)
def test_who_waits_for_a_processor_is_told_from_who_sleeps(
    code: str, end: str, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LEAST_WAIT_SECONDS", 0.0)
    for _ in range(5):
        start("while True: pass")
    watched = Watch(start(code), Limits(seconds=1, threads=1), str(tmp_path))
    while not (broken := watched.broken()):
        time.sleep(0.02)
    assert broken == end


@pytest.mark.parametrize(
    ("waited", "ran", "starved"),
    [
        (80.0, 10.0, True),
        (80.0, 40.0, True),  # two threads with a fifth of the time each
        (51.0, 98.0, True),
        (49.0, 1.0, False),  # it must have done something else for the better part
        (0.0, 0.0, False),  # a deadlock
        (0.0, 190.0, False),
        (97.0, 200.0, False),  # sixty threads keep each other waiting on two processors
    ],
)
def test_a_guest_is_starved_if_others_kept_it_waiting_for_most_of_its_time(
    waited: float, ran: float, starved: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    assert is_starved(waited, ran, Limits(seconds=100, threads=2)) is starved


def test_a_short_wait_excuses_nobody() -> None:
    assert not is_starved(0.9, 0.1, Limits(seconds=1.0, threads=1))


def test_a_guest_that_was_starved_is_the_machines_fault(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear = HostProcess.hear

    def starving(host: HostProcess, seconds: float) -> dict[str, Any]:
        message = hear(host, seconds)
        is_late = message.get("reason") == JobStatus.TIMEOUT
        return message | {"reason": STARVED} if is_late else message

    with pytest.raises(GuestEnded, match=r"longer than its 0\.3 seconds"):
        execute(sandbox, "time.sleep(99)", seconds=0.3)
    monkeypatch.setattr(HostProcess, "hear", starving)
    with pytest.raises(SandboxError, match=r"of its 0\.3 seconds, a guest waited more than half"):
        execute(sandbox, "time.sleep(99)", seconds=0.3)
    assert execute(sandbox, "answer['a'] = 1") == {"a": 1}
