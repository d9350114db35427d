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

DISK_POLL_SECONDS = 0.5
MOST_HOLLOW = 3  # looks at a process that is ending
# Of torch's libraries up to 130 MiB are mapped; more are files that a guest hides memory behind.
MOST_OF_FILES_MB = 192
_PAGE = 4096


class Watch:
    """Compares what a guest uses with its limits.

    Args:
        pid: Of the guest.
        limits: What it may use.
        scratch: Its folder, which is flat.
    """

    def __init__(self, pid: int, limits: Limits, scratch: str) -> None:
        self.pid, self._limits, self._scratch = pid, limits, scratch
        self._process = psutil.Process(pid)
        self._deadline = time.monotonic() + limits.seconds
        self._next_disk = 0.0
        # The guest shares the host's pages: they are not what it took.
        self._shared = psutil.Process().memory_info().rss
        self._floor = 0.0
        self._hollow = 0

    def left(self) -> float:
        """Seconds of wall time that are left."""
        return max(0.0, self._deadline - time.monotonic())

    def broken(self) -> str:
        """The first limit that is broken, or nothing."""
        now, limits = time.monotonic(), self._limits
        if now > self._deadline:
            return JobStatus.TIMEOUT
        with contextlib.suppress(psutil.Error, OSError):
            if self._cpu_seconds() > limits.most_cpu_seconds:
                return JobStatus.CPU
            if broken := self._memory_broken():
                return broken
            if self._process.num_threads() > limits.processes:
                return "threads"
        if now > self._next_disk:
            self._next_disk = now + DISK_POLL_SECONDS
            if _is_over(self._scratch, limits.disk_mb * MIB):
                return "disk"
        return ""

    def _memory_broken(self) -> str:
        held = self._process.memory_info().rss
        if held > self._shared + self._limits.memory_mb * MIB:
            return JobStatus.MEMORY
        # Its first thread has ended: what the others hold can no longer be seen.
        self._hollow = 0 if held else self._hollow + 1
        return "hollow" if self._hollow > MOST_HOLLOW else ""

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
        if sys.platform == "linux":  # the clock of another process; psutil counts in hundredths
            return time.clock_gettime((~self.pid << 3) | 2)
        times = self._process.cpu_times()
        return float(times.user + times.system)


def _is_over(folder: str, most: int) -> bool:
    """Whether a flat folder holds more than ``most`` bytes; a file counts as one page at least."""
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                total += max(entry.stat(follow_symlinks=False).st_blocks * 512, _PAGE)
            if total > most:
                return True
    return False
