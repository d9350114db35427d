"""What a guest uses, seen from outside, where it can change nothing about it."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from pathlib import Path

import psutil

from genesys.sandbox.confine import MIB
from genesys.sandbox.job import JobStatus, Limits
from genesys.sandbox.scratch import is_over

DISK_POLL_SECONDS = 0.5
MOST_HOLLOW = 3  # looks at a process that is ending
# How a guest ends that was out of time because others had the processors.
STARVED = "starved"
LEAST_WAIT_SECONDS = 5.0  # a moment of waiting is nothing unusual
# Looks at processes that are about to become a compiler, and share their memory until then.
MOST_CROWDED = 3
# Of torch's libraries up to 130 MiB are mapped; more are files that a guest hides memory behind.
MOST_OF_FILES_MB = 192


class Watch:
    """Compares what a guest uses with its limits.

    Args:
        pid: Of the guest.
        limits: What it may use.
        scratch: Its folder.
    """

    def __init__(self, pid: int, limits: Limits, scratch: str) -> None:
        self.pid, self._limits, self._scratch = pid, limits, scratch
        self._process = psutil.Process(pid)
        self._deadline = time.monotonic() + limits.seconds
        self._next_disk = 0.0
        # The guest shares the host's pages: they are not what it took.
        self._shared = psutil.Process().memory_info().rss
        self._floor = 0.0
        self._hollow = self._crowded = 0
        self._clocks: dict[int, float] = {}  # of all processes there ever were

    def left(self) -> float:
        """Seconds of wall time that are left."""
        return max(0.0, self._deadline - time.monotonic())

    def broken(self) -> str:
        """The first limit that is broken, or nothing."""
        now, limits = time.monotonic(), self._limits
        if now > self._deadline:
            return self._overdue()
        with contextlib.suppress(psutil.Error, OSError):
            if self._cpu_seconds() > limits.most_cpu_seconds:
                return JobStatus.CPU
            if broken := self._memory_broken():
                return broken
            if self._threads() > limits.processes:
                return "threads"
        if now > self._next_disk:
            self._next_disk = now + DISK_POLL_SECONDS
            if is_over(self._scratch, limits.disk_mb * MIB):
                return "disk"
        return ""

    def _overdue(self) -> str:
        with contextlib.suppress(OSError):
            if is_starved(self._waited(), self._cpu_seconds(), self._limits):
                return STARVED
        return JobStatus.TIMEOUT

    def _waited(self) -> float:
        """The longest that one of its threads was ready to run, in seconds, and not let."""
        waits = [0.0]
        for path in Path(f"/proc/{self.pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):  # it has ended
                waits.append(int(path.read_text().split()[1]) / 1e9)
        return max(waits)

    def _memory_broken(self) -> str:
        held = self._process.memory_info().rss
        if held > self._shared + self._limits.memory_mb * MIB:
            return JobStatus.MEMORY
        # Its first thread has ended: what the others hold can no longer be seen.
        self._hollow = 0 if held else self._hollow + 1
        if self._hollow > MOST_HOLLOW:
            return "hollow"
        is_crowded = held + self._held_by_others() > self._shared + self._limits.memory_mb * MIB
        self._crowded = self._crowded + 1 if is_crowded else 0
        return JobStatus.MEMORY if self._crowded > MOST_CROWDED else ""

    def _others(self) -> list[int]:
        """The processes that it has started."""
        if not self._limits.compiler:
            return []
        return [pid for pid in descendants(os.getpid()) if pid != self.pid]

    def _held_by_others(self) -> int:
        total = 0
        for pid in self._others():
            with contextlib.suppress(psutil.Error):
                total += psutil.Process(pid).memory_info().rss
        return total

    def _threads(self) -> int:
        total = self._process.num_threads()
        for pid in self._others():
            with contextlib.suppress(psutil.Error):
                total += max(1, psutil.Process(pid).num_threads())
        return total

    def usage(self) -> dict[str, float]:
        """CPU seconds so far, and the most MiB held since this was last asked.

        Memory counts from what the guest held when it was first asked, without the pages of files:
        of the libraries it uses, the kernel maps much more at one time than at another.
        """
        cpu = peak = 0.0
        with contextlib.suppress(psutil.Error, OSError):
            cpu = self._cpu_seconds()
            status = Path(f"/proc/{self.pid}/status").read_text()
            found = re.findall(r"^(VmHWM|VmRSS|RssFile):\s+(\d+)", status, re.MULTILINE)
            if found:  # a process that is about to end has none
                most, held, of_files = (int(kib) / 1024 for _, kib in found)
                self._floor = self._floor or held - of_files
                peak = most - min(of_files, MOST_OF_FILES_MB) - self._floor
                Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # begin a new peak
        return {"cpu_seconds": cpu, "peak_memory_mb": peak}

    def _cpu_seconds(self) -> float:
        if sys.platform != "linux":
            times = self._process.cpu_times()
            return float(times.user + times.system)
        self._clocks[self.pid] = _clock(self.pid)
        for pid in self._others():
            with contextlib.suppress(OSError):
                self._clocks[pid] = max(_clock(pid), self._clocks.get(pid, 0.0))
        return sum(self._clocks.values())


def is_starved(waited: float, ran: float, limits: Limits) -> bool:
    """Whether a guest that is out of time owes it to the machine.

    So it does when one of its threads was kept from running for more than half of the time. Threads
    that a guest starts beyond what it is allowed keep each other waiting, too, but they keep all
    processors at work meanwhile: it must have waited for longer than they have run on each.

    Args:
        waited: The longest that one of its threads was ready to run, in seconds, and not let.
        ran: Processor time of all of them.
        limits: What it may use.
    """
    if waited <= max(limits.seconds / 2, LEAST_WAIT_SECONDS):
        return False
    processors = min(len(os.sched_getaffinity(0)), limits.threads)
    return waited > ran / processors


def descendants(pid: int) -> list[int]:
    """All that a process has started or adopted, and what those have."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        for path in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            with contextlib.suppress(OSError):  # it has ended
                children = [int(child) for child in path.read_text().split()]
                found += children
                waiting += children
    return found


def _clock(pid: int) -> float:
    """Processor seconds of a process; psutil counts in hundredths."""
    return time.clock_gettime((~pid << 3) | 2)
